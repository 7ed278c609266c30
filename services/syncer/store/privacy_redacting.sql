-- What a customer's redaction takes away. customer_: rows of $3, customers; order_: rows of $3,
-- orders; either_: rows of customers $3 or orders $4. Amounts, times, states and ids stay, so that
-- sales stay what they were. tests/integration/syncer/test_privacy_columns.py fails on a column that
-- is neither erased here nor said to be harmless there.

-- name: lock
-- Waits for every writer of the shop; they then see what is about to be written.
SELECT pg_advisory_xact_lock(hashtextextended('privacy ' || $1::bigint, 0))

-- name: orders_and_names
-- Orders that Shopify named, as far as they are this customer's or nobody's; and how the customer
-- is called here.
SELECT ARRAY(
        SELECT DISTINCT lower(said.name) FROM (
            SELECT unnest(ARRAY[c.email, c.phone]) AS name FROM commerce.customers c
            WHERE c.tenant_id = $1 AND c.shop_id = $2 AND c.customer_id = $3
            UNION ALL
            SELECT unnest(ARRAY[o.email, o.phone]) FROM commerce.orders o
            WHERE o.tenant_id = $1 AND o.shop_id = $2 AND o.order_id = ANY ($4::bigint[])
        ) AS said WHERE said.name <> ''
    ) AS names

-- name: remember
INSERT INTO commerce.redactions (tenant_id, shop_id, kind, id)
SELECT $1, $2, r.kind, r.id FROM (
    SELECT 'customer' AS kind, unnest($3::bigint[]) AS id
    UNION ALL SELECT 'order', unnest($4::bigint[])
) AS r
ON CONFLICT (tenant_id, shop_id, kind, id) DO NOTHING

-- name: customer_customers
UPDATE commerce.customers SET
    email = NULL, phone = NULL, first_name = NULL, last_name = NULL, note = NULL, tags = NULL,
    locale = NULL, default_address_id = NULL, email_marketing_state = 'redacted',
    sms_marketing_state = 'redacted', raw = commerce.nothing_archived()
WHERE tenant_id = $1 AND shop_id = $2 AND customer_id = ANY ($3::bigint[])

-- name: customer_customer_addresses
DELETE FROM commerce.customer_addresses
WHERE tenant_id = $1 AND shop_id = $2 AND customer_id = ANY ($3::bigint[])

-- name: customer_customer_metafields
DELETE FROM commerce.customer_metafields
WHERE tenant_id = $1 AND shop_id = $2 AND customer_id = ANY ($3::bigint[])

-- name: customer_abandoned_checkout_lines
UPDATE commerce.abandoned_checkout_lines l SET attributes = '[]'
FROM commerce.abandoned_checkouts c
WHERE c.tenant_id = $1 AND c.shop_id = $2 AND c.customer_id = ANY ($3::bigint[])
    AND l.tenant_id = c.tenant_id AND l.shop_id = c.shop_id AND l.checkout_id = c.checkout_id

-- name: customer_abandoned_checkouts
UPDATE commerce.abandoned_checkouts SET
    url = '', note = NULL, billing_address = NULL, shipping_address = NULL, attributes = '[]',
    raw = commerce.nothing_archived()
WHERE tenant_id = $1 AND shop_id = $2 AND customer_id = ANY ($3::bigint[])

-- name: customer_privacy_exports
DELETE FROM commerce.privacy_exports e USING commerce.privacy_requests p
WHERE p.tenant_id = $1 AND p.shop_id = $2 AND p.customer_id = ANY ($3::bigint[])
    AND e.tenant_id = p.tenant_id AND e.shop_id = p.shop_id AND e.request_id = p.request_id

-- name: order_orders
UPDATE commerce.orders SET
    email = NULL, phone = NULL, po_number = NULL, note = NULL, tags = '{}', customer_locale = NULL,
    billing_address = NULL, shipping_address = NULL, attributes = '[]',
    raw = commerce.nothing_archived()
WHERE tenant_id = $1 AND shop_id = $2 AND order_id = ANY ($3::bigint[])

-- name: order_order_lines
UPDATE commerce.order_lines SET attributes = '[]'
WHERE tenant_id = $1 AND shop_id = $2 AND order_id = ANY ($3::bigint[])

-- name: order_refunds
UPDATE commerce.refunds SET note = NULL
WHERE tenant_id = $1 AND shop_id = $2 AND order_id = ANY ($3::bigint[])

-- name: order_fulfillments
UPDATE commerce.fulfillments SET tracking = '[]'
WHERE tenant_id = $1 AND shop_id = $2 AND order_id = ANY ($3::bigint[])

-- name: order_order_metafields
DELETE FROM commerce.order_metafields
WHERE tenant_id = $1 AND shop_id = $2 AND order_id = ANY ($3::bigint[])

-- name: order_order_details
UPDATE commerce.order_details SET raw = commerce.nothing_archived()
WHERE tenant_id = $1 AND shop_id = $2 AND order_id = ANY ($3::bigint[])

-- name: order_return_lines
UPDATE commerce.return_lines SET reason_note = NULL, customer_note = NULL
WHERE tenant_id = $1 AND shop_id = $2 AND order_id = ANY ($3::bigint[])

-- name: order_order_risks
UPDATE commerce.order_risks SET facts = '[]'
WHERE tenant_id = $1 AND shop_id = $2 AND order_id = ANY ($3::bigint[])

-- name: order_fulfillment_orders
UPDATE commerce.fulfillment_orders SET
    destination = NULL, holds = '[]', raw = commerce.nothing_archived()
WHERE tenant_id = $1 AND shop_id = $2 AND order_id = ANY ($3::bigint[])

-- name: order_disputes
UPDATE commerce.disputes SET raw = commerce.nothing_archived()
WHERE tenant_id = $1 AND shop_id = $2 AND order_id = ANY ($3::bigint[])

-- name: either_draft_order_lines
UPDATE commerce.draft_order_lines l SET attributes = '[]'
FROM commerce.draft_orders d
WHERE d.tenant_id = $1 AND d.shop_id = $2
    AND (d.customer_id = ANY ($3::bigint[]) OR d.order_id = ANY ($4::bigint[]))
    AND l.tenant_id = d.tenant_id AND l.shop_id = d.shop_id AND l.draft_order_id = d.draft_order_id

-- name: either_draft_orders
UPDATE commerce.draft_orders SET
    email = NULL, phone = NULL, tags = '{}', note = NULL, po_number = NULL, invoice_url = NULL,
    billing_address = NULL, shipping_address = NULL, attributes = '[]',
    raw = commerce.nothing_archived()
WHERE tenant_id = $1 AND shop_id = $2
    AND (customer_id = ANY ($3::bigint[]) OR order_id = ANY ($4::bigint[]))

-- name: either_gift_cards
UPDATE commerce.gift_cards SET note = NULL, raw = commerce.nothing_archived()
WHERE tenant_id = $1 AND shop_id = $2
    AND (customer_id = ANY ($3::bigint[]) OR order_id = ANY ($4::bigint[]))

-- name: either_verification_differences
-- They show values of both sides.
DELETE FROM commerce.verification_differences d USING commerce.verifications v
WHERE v.tenant_id = $1 AND v.shop_id = $2 AND d.tenant_id = v.tenant_id AND d.shop_id = v.shop_id
    AND d.job_id = v.job_id AND (
        v.resource = 'customers' AND d.id = ANY ($3::bigint[])
        OR v.resource IN ('orders', 'order_details') AND d.id = ANY ($4::bigint[])
        OR v.resource IN ('draft_orders', 'abandoned_checkouts', 'gift_cards', 'fulfillment_orders')
    )

-- name: written
-- Which redacted customers and orders the objects belong to that were just written: $3 customers,
-- $4 orders and $5 to $9 draft orders, checkouts, gift cards, fulfilment orders and disputes.
SELECT r.kind, r.id FROM commerce.redactions r
JOIN (
    SELECT 'customer' AS kind, unnest($3::bigint[]) AS id
    UNION ALL SELECT 'order', unnest($4::bigint[])
    UNION ALL SELECT x.kind, x.id FROM commerce.draft_orders d
        CROSS JOIN LATERAL (VALUES ('customer', d.customer_id), ('order', d.order_id)) AS x (kind, id)
        WHERE d.tenant_id = $1 AND d.shop_id = $2 AND d.draft_order_id = ANY ($5::bigint[])
    UNION ALL SELECT 'customer', c.customer_id FROM commerce.abandoned_checkouts c
        WHERE c.tenant_id = $1 AND c.shop_id = $2 AND c.checkout_id = ANY ($6::bigint[])
    UNION ALL SELECT x.kind, x.id FROM commerce.gift_cards g
        CROSS JOIN LATERAL (VALUES ('customer', g.customer_id), ('order', g.order_id)) AS x (kind, id)
        WHERE g.tenant_id = $1 AND g.shop_id = $2 AND g.gift_card_id = ANY ($7::bigint[])
    UNION ALL SELECT 'order', f.order_id FROM commerce.fulfillment_orders f
        WHERE f.tenant_id = $1 AND f.shop_id = $2 AND f.fulfillment_order_id = ANY ($8::bigint[])
    UNION ALL SELECT 'order', p.order_id FROM commerce.disputes p
        WHERE p.tenant_id = $1 AND p.shop_id = $2 AND p.dispute_id = ANY ($9::bigint[])
) AS w ON w.kind = r.kind AND w.id = r.id
WHERE r.tenant_id = $1 AND r.shop_id = $2

-- name: shops
SELECT tenant_id::text AS tenant_id, shop_id, gone FROM commerce.redacted_shops($1, $2)

-- name: redacted_ids
SELECT DISTINCT id FROM commerce.redactions
WHERE tenant_id = $1 AND shop_id = $2 AND kind IN ('customer', 'order') AND id = ANY ($3::bigint[])

-- name: redacted_objects
-- Of the objects $4 of one kind, those that belong to a redacted customer or order.
SELECT o.id FROM unnest($4::bigint[]) AS o (id) WHERE EXISTS (
    SELECT FROM (
        SELECT 'customer' AS kind, o.id WHERE $3::text = 'customer'
        UNION ALL SELECT 'order', o.id WHERE $3 IN ('order', 'order_details')
        UNION ALL SELECT x.kind, x.id FROM commerce.draft_orders d
            CROSS JOIN LATERAL (VALUES ('customer', d.customer_id), ('order', d.order_id))
                AS x (kind, id)
            WHERE $3 = 'draft_order' AND d.tenant_id = $1 AND d.shop_id = $2
                AND d.draft_order_id = o.id
        UNION ALL SELECT 'customer', c.customer_id FROM commerce.abandoned_checkouts c
            WHERE $3 = 'abandoned_checkout' AND c.tenant_id = $1 AND c.shop_id = $2
                AND c.checkout_id = o.id
        UNION ALL SELECT x.kind, x.id FROM commerce.gift_cards g
            CROSS JOIN LATERAL (VALUES ('customer', g.customer_id), ('order', g.order_id))
                AS x (kind, id)
            WHERE $3 = 'gift_card' AND g.tenant_id = $1 AND g.shop_id = $2
                AND g.gift_card_id = o.id
        UNION ALL SELECT 'order', f.order_id FROM commerce.fulfillment_orders f
            WHERE $3 = 'fulfillment_order' AND f.tenant_id = $1 AND f.shop_id = $2
                AND f.fulfillment_order_id = o.id
    ) AS w
    JOIN commerce.redactions r
        ON r.tenant_id = $1 AND r.shop_id = $2 AND r.kind = w.kind AND r.id = w.id
)

-- name: bodies
SELECT received_at::text AS received_at, topic, webhook_id, body FROM commerce.webhook_events
WHERE tenant_id = $1 AND shop_id = $2 AND body IS NOT NULL AND (received_at, topic, webhook_id)
    > (COALESCE($3::text, '-infinity')::timestamptz, COALESCE($4, ''), COALESCE($5, ''))
ORDER BY received_at, topic, webhook_id
LIMIT $6
FOR UPDATE

-- name: erase_bodies
-- What could not be mapped may be quoted by its error.
UPDATE commerce.webhook_events e
SET body = NULL, resource_name = NULL, error = split_part(e.error, ':', 1)
FROM unnest($3::text[], $4::text[]) AS n (topic, webhook_id)
WHERE e.tenant_id = $1 AND e.shop_id = $2 AND e.webhook_id = n.webhook_id AND e.topic = n.topic

-- name: large_bodies
SELECT body_id::text AS body_id, body FROM intake.bodies
WHERE tenant_id = $1 AND shop_id = $2 AND ($3::text IS NULL OR body_id > $3::text::uuid)
ORDER BY body_id LIMIT $4

-- name: erase_large_bodies
SELECT accounts.erase_large_bodies($1, $2, $3::text[]::uuid[])
