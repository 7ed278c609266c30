-- name: chosen
SELECT topics FROM accounts.stores WHERE tenant_id = $1 AND shop_id = $2

-- name: forget
DELETE FROM commerce.webhook_subscriptions
WHERE tenant_id = $1 AND shop_id = $2 AND topic <> ALL($3::text[])

-- name: remember
INSERT INTO commerce.webhook_subscriptions (tenant_id, shop_id, topic, gid, uri)
SELECT $1, $2, s.topic, s.gid, s.uri FROM unnest($3::text[], $4::text[], $5::text[])
    AS s (topic, gid, uri)
ON CONFLICT (tenant_id, shop_id, topic) DO UPDATE SET
    gid = excluded.gid, uri = excluded.uri, checked_at = now()

-- name: ask_where_moved
-- A shop that was never synced in full is told by its first sync; the live index keeps replicas apart.
INSERT INTO commerce.sync_jobs (tenant_id, shop_id, kind, mode, trigger)
SELECT s.tenant_id, s.shop_id, 'shop', 'incremental', 'schedule'
FROM accounts.stores s
JOIN commerce.sync_state t
    ON t.tenant_id = s.tenant_id AND t.shop_id = s.shop_id AND t.kind = 'shop'
LEFT JOIN LATERAL (
    SELECT bool_and(w.uri = $1) AS here FROM commerce.webhook_subscriptions w
    WHERE w.tenant_id = s.tenant_id AND w.shop_id = s.shop_id
) AS held ON true
WHERE s.status = 'active' AND t.full_synced_at IS NOT NULL AND held.here IS NOT TRUE
ON CONFLICT (tenant_id, shop_id, kind, mode) WHERE status IN ('queued', 'running') DO NOTHING
RETURNING shop_id
