-- name: belongings
-- Everything by whose ids rows are found: the orders asked for are shown only if they are this
-- customer's or nobody's.
WITH orders AS (
    SELECT o.order_id AS id FROM commerce.orders o
    WHERE o.tenant_id = $1 AND o.shop_id = $2 AND (
        o.customer_id = $3 OR o.order_id = ANY ($4::bigint[]) AND o.customer_id IS NULL
    )
)
SELECT ARRAY[$3::bigint] AS customer_id, ARRAY(SELECT id FROM orders ORDER BY id) AS order_id,
    ARRAY(
        SELECT d.draft_order_id FROM commerce.draft_orders d
        WHERE d.tenant_id = $1 AND d.shop_id = $2
            AND (d.customer_id = $3 OR d.order_id IN (SELECT id FROM orders))
        ORDER BY 1
    ) AS draft_order_id,
    ARRAY(
        SELECT c.checkout_id FROM commerce.abandoned_checkouts c
        WHERE c.tenant_id = $1 AND c.shop_id = $2 AND c.customer_id = $3 ORDER BY 1
    ) AS checkout_id,
    ARRAY(
        SELECT g.gift_card_id FROM commerce.gift_cards g
        WHERE g.tenant_id = $1 AND g.shop_id = $2 AND g.customer_id = $3 ORDER BY 1
    ) AS gift_card_id,
    ARRAY(
        SELECT f.fulfillment_order_id FROM commerce.fulfillment_orders f
        WHERE f.tenant_id = $1 AND f.shop_id = $2 AND f.order_id IN (SELECT id FROM orders)
        ORDER BY 1
    ) AS fulfillment_order_id

-- name: deliveries
-- Bodies of deliveries about the customer or the objects; $3 their ids.
SELECT jsonb_build_object(
        'topic', e.topic, 'webhook_id', e.webhook_id, 'received_at', e.received_at
    ) AS row, e.body AS raw
FROM commerce.webhook_events e
WHERE e.tenant_id = $1 AND e.shop_id = $2 AND e.resource_id = ANY ($3::bigint[])
    AND e.body IS NOT NULL AND e.topic ~ '^(customer|order|refund|fulfillment|return|draft|checkout)'
ORDER BY e.received_at, e.webhook_id

-- name: clear
DELETE FROM commerce.privacy_exports WHERE tenant_id = $1 AND shop_id = $2 AND request_id = $3

-- name: keep
INSERT INTO commerce.privacy_exports (tenant_id, shop_id, request_id, part_no, lines, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: forget
DELETE FROM commerce.privacy_exports
WHERE ctid = ANY (ARRAY(SELECT ctid FROM commerce.privacy_exports WHERE expires_at < now() LIMIT 100))
