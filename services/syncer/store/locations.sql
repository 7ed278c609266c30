-- How locations are written. Every statement works on what was copied into staged_locations, sorted by key.
-- name: stage
CREATE TEMP TABLE staged_locations (
    LIKE commerce.locations INCLUDING DEFAULTS INCLUDING STORAGE, partial boolean, present integer
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE accepted_locations (
    tenant_id uuid, shop_id bigint, location_id bigint, inserted boolean, present integer
) ON COMMIT DELETE ROWS;

-- name: upsert
WITH written AS (
    INSERT INTO commerce.locations AS t (
        tenant_id, shop_id, location_id, name, active, address, created_at, updated_at, raw, source
    )
    SELECT
        tenant_id, shop_id, location_id, name, active, address, created_at, updated_at, raw, source
    FROM staged_locations s
    WHERE (
        SELECT true FROM commerce.tombstones d
        WHERE d.tenant_id = s.tenant_id AND d.shop_id = s.shop_id
            AND d.kind = 'location' AND d.id = s.location_id
    ) IS NULL
    ON CONFLICT (tenant_id, shop_id, location_id) DO UPDATE SET
        name = excluded.name, active = excluded.active, address = excluded.address,
        created_at = excluded.created_at, updated_at = excluded.updated_at, raw = excluded.raw,
        source = excluded.source, synced_at = now(), deleted_at = NULL
    WHERE t.updated_at < excluded.updated_at OR t.updated_at = excluded.updated_at AND (
        excluded.source = 'refetch'
        OR array_position('{webhook,bulk,poll,refetch}'::text[], excluded.source)
            > array_position('{webhook,bulk,poll,refetch}'::text[], t.source)
        OR excluded.source = t.source AND t.source <> 'webhook' AND (
            t.name, t.active, t.address, t.created_at
        ) IS DISTINCT FROM (
            excluded.name, excluded.active, excluded.address, excluded.created_at
        )
    )
    RETURNING t.tenant_id, t.shop_id, t.location_id, t.xmax = 0 AS inserted
), kept AS (
    INSERT INTO accepted_locations
    SELECT w.tenant_id, w.shop_id, w.location_id, w.inserted, s.present
    FROM written w JOIN staged_locations s USING (tenant_id, shop_id, location_id)
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) AS accepted FROM written

-- name: refused
SELECT s.tenant_id::text AS tenant_id, s.shop_id, ARRAY[s.location_id] AS key,
    CASE
        WHEN t.tenant_id IS NULL OR t.deleted_at IS NOT NULL THEN 'deleted'
        WHEN t.updated_at > s.updated_at THEN 'stale'
        WHEN (
                s.name, s.active, s.address, s.created_at
            ) IS NOT DISTINCT FROM (
                t.name, t.active, t.address, t.created_at
            ) THEN 'equal'
        ELSE 'conflict'
    END AS verdict
FROM staged_locations s
LEFT JOIN commerce.locations t USING (tenant_id, shop_id, location_id)
WHERE NOT EXISTS (
    SELECT FROM accepted_locations a WHERE a.tenant_id = s.tenant_id AND a.shop_id = s.shop_id AND a.location_id = s.location_id
)

-- name: seen
-- A bulk export that changes nothing still proves that the object exists.
UPDATE commerce.locations t SET synced_at = now()
FROM staged_locations s
WHERE t.tenant_id = s.tenant_id AND t.shop_id = s.shop_id AND t.location_id = s.location_id
    AND s.source = 'bulk' AND t.synced_at < now()

-- name: delete
UPDATE commerce.locations t SET deleted_at = d.at
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[])
    AS d (tenant_id, shop_id, location_id, at)
WHERE t.tenant_id = d.tenant_id AND t.shop_id = d.shop_id AND t.location_id = d.location_id
    AND (t.deleted_at IS NULL OR t.deleted_at > d.at)
