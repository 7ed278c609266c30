-- name: live_store
SELECT store.tenant_id::text, store.shop_id, store.shop_domain, store.status,
    credential.webhook_secret_enc
FROM accounts.stores AS store
LEFT JOIN accounts.credentials AS credential USING (tenant_id, shop_id)
WHERE store.shop_domain = $1 AND store.status <> 'disconnected'

-- name: former_store
-- Privacy requests come up to 48 hours after a store has left.
SELECT tenant_id::text, shop_id, shop_domain, status, NULL AS webhook_secret_enc
FROM accounts.stores
WHERE shop_domain = $1
ORDER BY disconnected_at DESC NULLS LAST, shop_id DESC
LIMIT 1

-- name: keep_body
INSERT INTO intake.bodies (tenant_id, shop_id, body_id, body)
VALUES ($1, $2, $3, $4)

-- name: spool
INSERT INTO intake.spool (tenant_id, shop_id, delivery)
SELECT new.tenant_id, new.shop_id, new.delivery
FROM unnest($1::uuid[], $2::bigint[], $3::bytea[])
    WITH ORDINALITY AS new (tenant_id, shop_id, delivery, position)
ORDER BY new.position

-- name: oldest_spooled
SELECT tenant_id, shop_id, spool_id, delivery
FROM intake.spool
ORDER BY spool_id
LIMIT $1
FOR UPDATE SKIP LOCKED

-- name: unspool
DELETE FROM intake.spool AS spooled
USING unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS sent (tenant_id, shop_id, spool_id)
WHERE spooled.tenant_id = sent.tenant_id
    AND spooled.shop_id = sent.shop_id
    AND spooled.spool_id = sent.spool_id

-- name: spool_depth
SELECT count(*) FROM intake.spool
