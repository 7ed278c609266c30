-- name: live_store
-- Under its present domain, else under the one that it had last.
SELECT store.tenant_id::text, store.shop_id, store.shop_domain, store.status, store.topics,
    credential.webhook_secret_enc
FROM accounts.stores AS store
LEFT JOIN accounts.credentials AS credential USING (tenant_id, shop_id)
WHERE store.status <> 'disconnected' AND (
    store.shop_domain = $1 OR NOT EXISTS (
        SELECT FROM accounts.stores AS named
        WHERE named.shop_domain = $1 AND named.status <> 'disconnected'
    ) AND (store.tenant_id, store.shop_id) = (
        SELECT former.tenant_id, former.shop_id FROM accounts.store_domains AS former
        WHERE former.domain = $1 ORDER BY former.until DESC LIMIT 1
    )
)

-- name: store_of_shop
SELECT store.tenant_id::text, store.shop_id, store.shop_domain, store.status, store.topics,
    credential.webhook_secret_enc
FROM accounts.stores AS store
LEFT JOIN accounts.credentials AS credential USING (tenant_id, shop_id)
WHERE store.shopify_shop_id = $1 AND store.status <> 'disconnected'
ORDER BY store.shop_id DESC
LIMIT 1

-- name: former_store
-- Privacy requests come up to 48 hours after a store has left, and may name a domain that the shop
-- took since, which we never heard of.
SELECT tenant_id::text, shop_id, shop_domain, status, topics, NULL AS webhook_secret_enc
FROM accounts.stores
WHERE shop_domain = $1 OR shopify_shop_id = $2
ORDER BY status <> 'disconnected' DESC, disconnected_at DESC NULLS LAST, shop_id DESC
LIMIT 1

-- name: keep_body
INSERT INTO intake.bodies (tenant_id, shop_id, body_id, body)
VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, shop_id, body_id) DO UPDATE SET stored_at = now()

-- name: prune_bodies
-- As long as services/syncer/store/prune.sql keeps the bodies of the event log.
DELETE FROM intake.bodies AS kept
USING (
    SELECT tenant_id, shop_id, body_id FROM intake.bodies
    WHERE stored_at < now() - interval '14 days'
    ORDER BY stored_at LIMIT $1
    FOR UPDATE SKIP LOCKED
) AS old
WHERE kept.tenant_id = old.tenant_id AND kept.shop_id = old.shop_id AND kept.body_id = old.body_id

-- name: spool
INSERT INTO intake.spool (tenant_id, shop_id, delivery)
SELECT new.tenant_id, new.shop_id, new.delivery
FROM unnest($1::uuid[], $2::bigint[], $3::bytea[])
    WITH ORDINALITY AS new (tenant_id, shop_id, delivery, position)
ORDER BY new.position

-- name: oldest_spooled
-- At most $1 of them, and none behind the one with which they weigh $2 bytes. The length of a row that
-- is not sent is known without reading it.
WITH oldest AS (
    SELECT tenant_id, shop_id, spool_id, delivery
    FROM intake.spool
    ORDER BY spool_id
    LIMIT $1
    FOR UPDATE SKIP LOCKED
), weighed AS (
    SELECT *, sum(octet_length(delivery)) OVER (ORDER BY spool_id) - octet_length(delivery) AS before
    FROM oldest
)
SELECT tenant_id, shop_id, spool_id, delivery
FROM weighed
WHERE before < $2
ORDER BY spool_id

-- name: unspool
DELETE FROM intake.spool AS spooled
USING unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS sent (tenant_id, shop_id, spool_id)
WHERE spooled.tenant_id = sent.tenant_id
    AND spooled.shop_id = sent.shop_id
    AND spooled.spool_id = sent.spool_id

-- name: spool_depth
SELECT count(*) FROM intake.spool
