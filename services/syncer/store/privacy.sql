-- name: ask
-- The delivery is the key: told again, it asks for nothing new. Shopify speaks of the shop, which may
-- have been several stores here, one after the other: each has its own copy, and its own request. A
-- domain is the shop's as long as Shopify's number does not say otherwise.
INSERT INTO commerce.privacy_requests (
    tenant_id, shop_id, topic, webhook_id, customer_id, order_ids, names, body_sha256, received_at,
    due_at
)
SELECT held.tenant_id, held.shop_id, $3, $4, $5, $6, $7, $8, $9, $10
FROM (
    SELECT $1::uuid AS tenant_id, $2::bigint AS shop_id
    UNION
    SELECT same.tenant_id, same.shop_id
    FROM accounts.stores AS named JOIN accounts.stores AS same
        ON same.shopify_shop_id = named.shopify_shop_id OR same.shop_domain = named.shop_domain
            AND (same.shopify_shop_id IS NULL OR named.shopify_shop_id IS NULL)
    WHERE named.tenant_id = $1 AND named.shop_id = $2
) AS held
ON CONFLICT (tenant_id, shop_id, topic, webhook_id) DO NOTHING

-- name: next
-- Whoever works on a request holds its row; a killed worker's piece is undone and done again.
SELECT tenant_id::text AS tenant_id, shop_id, request_id, topic, customer_id, order_ids, names, step,
    place, received_at
FROM commerce.privacy_requests
WHERE state = 'open' AND not_before <= now()
ORDER BY due_at
LIMIT 1
FOR UPDATE SKIP LOCKED

-- name: is_open_at
SELECT true FROM commerce.privacy_requests
WHERE tenant_id = $1 AND shop_id = $2 AND request_id = $3 AND state = 'open' AND step = $4
FOR UPDATE

-- name: advance
-- Counts of a table add up over the pieces.
UPDATE commerce.privacy_requests p
SET step = $4, place = $5, names = $6, not_before = now(), result = NULL, erased = COALESCE((
    SELECT jsonb_object_agg(one.name, one.rows) FROM (
        SELECT u.key AS name, sum(u.value::bigint) AS rows
        FROM (
            SELECT * FROM jsonb_each_text(p.erased) UNION ALL SELECT * FROM jsonb_each_text($7::jsonb)
        ) AS u
        GROUP BY u.key
    ) AS one WHERE one.rows > 0
), '{}')
WHERE tenant_id = $1 AND shop_id = $2 AND request_id = $3

-- name: end
UPDATE commerce.privacy_requests
SET state = $4, result = $5, done_at = now(), names = '{}', place = NULL, expires_at = $6
WHERE tenant_id = $1 AND shop_id = $2 AND request_id = $3
RETURNING topic, encode(body_sha256, 'hex') AS body_sha256, erased::text AS erased

-- name: postpone
UPDATE commerce.privacy_requests SET not_before = now() + $2::interval, result = $3
WHERE request_id = $1

-- name: audit
SELECT accounts.audit_privacy($1, $2, $3, $4::jsonb)

-- name: counts
SELECT CASE
        WHEN state <> 'open' THEN state
        WHEN due_at < now() THEN 'overdue'
        WHEN due_at < now() + $1::interval THEN 'close'
        ELSE 'open'
    END AS state, count(*) AS requests, min(extract(epoch FROM due_at - now()))::float8 AS seconds
FROM commerce.privacy_requests GROUP BY 1

-- name: listed
SELECT request_id, topic, customer_id, state, received_at, due_at, done_at, result, erased::text
FROM commerce.privacy_requests WHERE tenant_id = $1 AND shop_id = $2
ORDER BY received_at DESC LIMIT $3

-- name: reopen
UPDATE commerce.privacy_requests SET state = 'open', result = NULL, done_at = NULL, not_before = now()
WHERE tenant_id = $1 AND shop_id = $2 AND request_id = $3 AND state = 'refused'
RETURNING request_id
