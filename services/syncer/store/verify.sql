-- name: begin
-- Settled is what the polls had read when the run began and will not look at again ($4, as they look
-- back that far); nothing is, before anything was copied.
WITH begun AS (
    INSERT INTO commerce.verifications (
        tenant_id, shop_id, job_id, resource, mode, repair, settled_until
    )
    SELECT j.tenant_id, j.shop_id, j.job_id, j.kind, j.mode, j.repair,
        s.cursor_updated_at - $4::interval
    FROM commerce.sync_jobs j
    JOIN commerce.sync_state s
        ON s.tenant_id = j.tenant_id AND s.shop_id = j.shop_id AND s.kind = j.kind
    WHERE j.tenant_id = $1 AND j.shop_id = $2 AND j.job_id = $3 AND s.cursor_updated_at IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING repair, settled_until
)
SELECT repair, settled_until FROM begun
UNION ALL
SELECT repair, settled_until FROM commerce.verifications
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3

-- name: seen
INSERT INTO commerce.verification_seen (tenant_id, shop_id, job_id, absent, ids)
VALUES ($1, $2, $3, $4, $5)

-- name: record
INSERT INTO commerce.verification_differences AS t (
    tenant_id, shop_id, job_id, id, what, columns, details, ours_hash, theirs_hash
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (tenant_id, shop_id, job_id, id) DO UPDATE SET
    what = excluded.what, columns = excluded.columns, details = excluded.details,
    ours_hash = excluded.ours_hash, theirs_hash = excluded.theirs_hash

-- name: absent
-- Objects that Shopify answered with null, and how long ago the youngest of them was.
SELECT id, extract(epoch FROM clock_timestamp() - max(found_at) OVER ())::float8 AS age_seconds
FROM commerce.verification_differences
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND what = 'missing_there'
    AND repaired_at IS NULL
ORDER BY id

-- name: orders_of_fulfillments
SELECT fulfillment_order_id AS id, order_id FROM commerce.fulfillment_orders
WHERE tenant_id = $1 AND shop_id = $2 AND fulfillment_order_id = ANY($3::bigint[])

-- name: withdraw
DELETE FROM commerce.verification_differences
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND id = ANY($4::bigint[])

-- name: repaired
UPDATE commerce.verification_differences SET repaired_at = clock_timestamp()
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND id = ANY($4::bigint[])

-- name: unbury
-- Read by id after it was called deleted: it exists.
DELETE FROM commerce.tombstones
WHERE tenant_id = $1 AND shop_id = $2 AND kind = $3 AND id = ANY($4::bigint[])

-- name: let_levels_give_way
-- As give_way does for objects; only the levels that Shopify named.
UPDATE commerce.inventory_levels t SET updated_at = to_timestamp(0), deleted_at = NULL
FROM unnest($3::bigint[], $4::bigint[]) AS named (inventory_item_id, location_id)
WHERE t.tenant_id = $1 AND t.shop_id = $2 AND t.inventory_item_id = named.inventory_item_id
    AND t.location_id = named.location_id

-- name: met
SELECT count(*) AS compared, count(*) FILTER (WHERE NOT is_gone) AS theirs
FROM (
    SELECT met.id, bool_or(v.absent) AS is_gone
    FROM commerce.verification_seen v CROSS JOIN unnest(v.ids) AS met (id)
    WHERE v.tenant_id = $1 AND v.shop_id = $2 AND v.job_id = $3
    GROUP BY met.id
) AS m

-- name: finish
UPDATE commerce.verifications v SET
    ours = $4, theirs = $5, compared = $6, pending = d.pending, differences = d.differences,
    repaired = d.repaired, finished_at = now()
FROM (
    SELECT count(*) FILTER (WHERE what = 'pending') AS pending,
        count(*) FILTER (WHERE what <> 'pending') AS differences,
        count(*) FILTER (WHERE what <> 'pending' AND repaired_at IS NOT NULL) AS repaired
    FROM commerce.verification_differences
    WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3
) AS d
WHERE v.tenant_id = $1 AND v.shop_id = $2 AND v.job_id = $3
RETURNING v.differences, v.repaired, v.pending

-- name: forget_seen
DELETE FROM commerce.verification_seen WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3

-- name: zones
SELECT DISTINCT COALESCE(iana_timezone, 'UTC') AS zone FROM accounts.stores WHERE status = 'active'

-- name: schedule_samples
-- Once between one night and the next, by the shop's own clock: its zone is one of $1, where the
-- night began at $2. The live index keeps replicas apart.
INSERT INTO commerce.sync_jobs (tenant_id, shop_id, kind, mode, trigger, repair)
SELECT t.tenant_id, t.shop_id, t.kind, 'sample', 'schedule', true
FROM commerce.sync_state t
JOIN accounts.stores s USING (tenant_id, shop_id)
JOIN unnest($1::text[], $2::timestamptz[]) AS night (zone, began)
    ON night.zone = COALESCE(s.iana_timezone, 'UTC')
WHERE s.status = 'active' AND t.kind = ANY($3::text[]) AND t.full_synced_at < night.began
    AND t.cursor_updated_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM commerce.capabilities c
        WHERE c.tenant_id = t.tenant_id AND c.shop_id = t.shop_id AND c.resource = t.kind
            AND c.state IN ('missing_scope', 'not_on_plan')
    ) AND NOT EXISTS (
        SELECT FROM commerce.sync_jobs j
        WHERE j.tenant_id = t.tenant_id AND j.shop_id = t.shop_id AND j.kind = t.kind
            AND j.mode = 'sample' AND j.created_at >= night.began
    )
ON CONFLICT (tenant_id, shop_id, kind, mode) WHERE status IN ('queued', 'running') DO NOTHING

-- name: drift
-- What the last sample of each shop and resource found, together. What can no longer be read is
-- sampled no more, and its last number would stay.
SELECT resource, sum(differences)::bigint AS differences
FROM (
    SELECT DISTINCT ON (v.tenant_id, v.shop_id, v.resource) v.resource, v.differences
    FROM commerce.verifications v
    JOIN accounts.stores s USING (tenant_id, shop_id)
    WHERE v.mode = 'sample' AND v.finished_at IS NOT NULL AND s.status = 'active' AND NOT EXISTS (
        SELECT FROM commerce.capabilities c
        WHERE c.tenant_id = v.tenant_id AND c.shop_id = v.shop_id AND c.resource = v.resource
            AND c.state IN ('missing_scope', 'not_on_plan')
    )
    ORDER BY v.tenant_id, v.shop_id, v.resource, v.started_at DESC
) AS last
GROUP BY resource
