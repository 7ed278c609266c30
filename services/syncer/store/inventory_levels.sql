-- How inventory_levels are written. Every statement works on what was copied into staged_inventory_levels, sorted by key.
-- name: stage
CREATE TEMP TABLE staged_inventory_levels (
    LIKE commerce.inventory_levels INCLUDING DEFAULTS INCLUDING STORAGE, partial boolean, present integer
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE accepted_inventory_levels (
    tenant_id uuid, shop_id bigint, inventory_item_id bigint, location_id bigint, inserted boolean, present integer
) ON COMMIT DELETE ROWS;

-- name: upsert
WITH written AS (
    INSERT INTO commerce.inventory_levels AS t (
        tenant_id, shop_id, inventory_item_id, location_id, available, on_hand, committed, incoming,
        reserved, damaged, quality_control, safety_stock, active, updated_at, source
    )
    SELECT
        tenant_id, shop_id, inventory_item_id, location_id, available, on_hand, committed, incoming,
        reserved, damaged, quality_control, safety_stock, active, updated_at, source
    FROM staged_inventory_levels s
    WHERE NOT s.partial
    ON CONFLICT (tenant_id, shop_id, inventory_item_id, location_id) DO UPDATE SET
        available = excluded.available, on_hand = excluded.on_hand, committed = excluded.committed,
        incoming = excluded.incoming, reserved = excluded.reserved, damaged = excluded.damaged,
        quality_control = excluded.quality_control, safety_stock = excluded.safety_stock,
        active = excluded.active, updated_at = excluded.updated_at, source = excluded.source,
        synced_at = now(),
        deleted_at = CASE WHEN t.deleted_at >= excluded.updated_at THEN t.deleted_at END
    WHERE t.updated_at < excluded.updated_at OR t.updated_at = excluded.updated_at AND (
        excluded.source = 'refetch'
        OR array_position('{webhook,bulk,poll,refetch}'::text[], excluded.source)
            > array_position('{webhook,bulk,poll,refetch}'::text[], t.source)
        OR excluded.source = t.source AND t.source <> 'webhook' AND (
            t.available, t.on_hand, t.committed, t.incoming, t.reserved, t.damaged,
            t.quality_control, t.safety_stock, t.active
        ) IS DISTINCT FROM (
            excluded.available, excluded.on_hand, excluded.committed, excluded.incoming,
            excluded.reserved, excluded.damaged, excluded.quality_control, excluded.safety_stock,
            excluded.active
        )
    )
    RETURNING t.tenant_id, t.shop_id, t.inventory_item_id, t.location_id, t.xmax = 0 AS inserted
), kept AS (
    INSERT INTO accepted_inventory_levels
    SELECT w.tenant_id, w.shop_id, w.inventory_item_id, w.location_id, w.inserted, s.present
    FROM written w JOIN staged_inventory_levels s USING (tenant_id, shop_id, inventory_item_id, location_id)
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) AS accepted FROM written

-- name: upsert_partial
WITH written AS (
    INSERT INTO commerce.inventory_levels AS t (
        tenant_id, shop_id, inventory_item_id, location_id, available, on_hand, committed, incoming,
        reserved, damaged, quality_control, safety_stock, active, updated_at, source
    )
    SELECT
        tenant_id, shop_id, inventory_item_id, location_id, available, on_hand, committed, incoming,
        reserved, damaged, quality_control, safety_stock, active, updated_at, source
    FROM staged_inventory_levels s
    WHERE s.partial
    ON CONFLICT (tenant_id, shop_id, inventory_item_id, location_id) DO UPDATE SET
        available = COALESCE(excluded.available, t.available),
        on_hand = COALESCE(excluded.on_hand, t.on_hand),
        committed = COALESCE(excluded.committed, t.committed),
        incoming = COALESCE(excluded.incoming, t.incoming),
        reserved = COALESCE(excluded.reserved, t.reserved),
        damaged = COALESCE(excluded.damaged, t.damaged),
        quality_control = COALESCE(excluded.quality_control, t.quality_control),
        safety_stock = COALESCE(excluded.safety_stock, t.safety_stock), active = excluded.active,
        updated_at = excluded.updated_at, source = excluded.source, synced_at = now(),
        deleted_at = CASE WHEN t.deleted_at >= excluded.updated_at THEN t.deleted_at END
    WHERE t.updated_at < excluded.updated_at OR t.updated_at = excluded.updated_at AND (
        excluded.source = 'refetch'
        OR array_position('{webhook,bulk,poll,refetch}'::text[], excluded.source)
            > array_position('{webhook,bulk,poll,refetch}'::text[], t.source)
        OR excluded.source = t.source AND t.source <> 'webhook' AND (
            t.available, t.on_hand, t.committed, t.incoming, t.reserved, t.damaged,
            t.quality_control, t.safety_stock, t.active
        ) IS DISTINCT FROM (
            COALESCE(excluded.available, t.available), COALESCE(excluded.on_hand, t.on_hand),
            COALESCE(excluded.committed, t.committed), COALESCE(excluded.incoming, t.incoming),
            COALESCE(excluded.reserved, t.reserved), COALESCE(excluded.damaged, t.damaged),
            COALESCE(excluded.quality_control, t.quality_control),
            COALESCE(excluded.safety_stock, t.safety_stock), excluded.active
        )
    )
    RETURNING t.tenant_id, t.shop_id, t.inventory_item_id, t.location_id, t.xmax = 0 AS inserted
), kept AS (
    INSERT INTO accepted_inventory_levels
    SELECT w.tenant_id, w.shop_id, w.inventory_item_id, w.location_id, w.inserted, s.present
    FROM written w JOIN staged_inventory_levels s USING (tenant_id, shop_id, inventory_item_id, location_id)
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) AS accepted FROM written

-- name: refused
SELECT s.tenant_id::text AS tenant_id, s.shop_id, ARRAY[s.inventory_item_id, s.location_id] AS key,
    CASE
        WHEN t.tenant_id IS NULL OR t.deleted_at IS NOT NULL THEN 'deleted'
        WHEN t.updated_at > s.updated_at THEN 'stale'
        WHEN (s.partial AND s.available IS NULL OR s.available IS NOT DISTINCT FROM t.available)
            AND (s.partial AND s.on_hand IS NULL OR s.on_hand IS NOT DISTINCT FROM t.on_hand)
            AND (s.partial AND s.committed IS NULL OR s.committed IS NOT DISTINCT FROM t.committed)
            AND (s.partial AND s.incoming IS NULL OR s.incoming IS NOT DISTINCT FROM t.incoming)
            AND (s.partial AND s.reserved IS NULL OR s.reserved IS NOT DISTINCT FROM t.reserved)
            AND (s.partial AND s.damaged IS NULL OR s.damaged IS NOT DISTINCT FROM t.damaged)
            AND (s.partial AND s.quality_control IS NULL OR s.quality_control IS NOT DISTINCT FROM t.quality_control)
            AND (s.partial AND s.safety_stock IS NULL OR s.safety_stock IS NOT DISTINCT FROM t.safety_stock)
            AND s.active IS NOT DISTINCT FROM t.active THEN 'equal'
        ELSE 'conflict'
    END AS verdict
FROM staged_inventory_levels s
LEFT JOIN commerce.inventory_levels t USING (tenant_id, shop_id, inventory_item_id, location_id)
WHERE NOT EXISTS (
    SELECT FROM accepted_inventory_levels a WHERE a.tenant_id = s.tenant_id AND a.shop_id = s.shop_id AND a.inventory_item_id = s.inventory_item_id AND a.location_id = s.location_id
)

-- name: seen
-- A bulk export that changes nothing still proves that the object exists.
UPDATE commerce.inventory_levels t SET synced_at = now()
FROM staged_inventory_levels s
WHERE t.tenant_id = s.tenant_id AND t.shop_id = s.shop_id AND t.inventory_item_id = s.inventory_item_id AND t.location_id = s.location_id
    AND s.source = 'bulk' AND t.synced_at < now()

-- name: delete
-- A disconnect may arrive before the level itself: the row then waits, deleted, for older facts.
INSERT INTO commerce.inventory_levels AS t (
    tenant_id, shop_id, inventory_item_id, location_id, active, updated_at, source, deleted_at
)
SELECT d.tenant_id, d.shop_id, d.inventory_item_id, d.location_id, false, to_timestamp(0), 'webhook', d.at
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[])
    AS d (tenant_id, shop_id, inventory_item_id, location_id, at)
ON CONFLICT (tenant_id, shop_id, inventory_item_id, location_id) DO UPDATE SET
    deleted_at = excluded.deleted_at, synced_at = now()
WHERE excluded.deleted_at >= t.updated_at
    AND (t.deleted_at IS NULL OR t.deleted_at < excluded.deleted_at)
