-- name: forget
DELETE FROM commerce.webhook_subscriptions
WHERE tenant_id = $1 AND shop_id = $2 AND topic <> ALL($3::text[])

-- name: remember
INSERT INTO commerce.webhook_subscriptions (tenant_id, shop_id, topic, gid, uri)
SELECT $1, $2, s.topic, s.gid, s.uri FROM unnest($3::text[], $4::text[], $5::text[])
    AS s (topic, gid, uri)
ON CONFLICT (tenant_id, shop_id, topic) DO UPDATE SET
    gid = excluded.gid, uri = excluded.uri, checked_at = now()
