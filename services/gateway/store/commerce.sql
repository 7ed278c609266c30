-- name: orders
-- A missing cursor is the end of time instead of one more OR, which the index cannot use.
SELECT o.order_id, o.name, o.email, o.customer_id, o.created_at, o.processed_at, o.updated_at,
    o.cancelled_at, o.cancel_reason, o.closed_at, o.financial_status, o.fulfillment_status,
    o.currency, o.presentment_currency, o.test, o.source_name, o.tags, o.subtotal_price,
    o.total_discounts, o.total_shipping, o.total_tax, o.total_price, o.current_total_price,
    o.total_outstanding, o.synced_at
FROM commerce.orders o
WHERE o.shop_id = $1 AND o.deleted_at IS NULL
    AND ($2::text IS NULL OR CASE $2
        WHEN 'cancelled' THEN o.cancelled_at IS NOT NULL
        WHEN 'closed' THEN o.closed_at IS NOT NULL
        WHEN 'open' THEN o.closed_at IS NULL AND o.cancelled_at IS NULL
    END)
    AND ($3::text IS NULL OR lower(o.financial_status) = lower($3))
    AND ($4::text IS NULL OR lower(o.fulfillment_status) = lower($4))
    AND ($5::timestamptz IS NULL OR o.processed_at >= $5)
    AND ($6::timestamptz IS NULL OR o.processed_at < $6)
    AND ($7::bigint IS NULL OR o.customer_id = $7)
    AND ($8::text IS NULL OR strpos(lower(o.name), lower($8)) > 0)
    AND (o.processed_at, o.order_id)
        < (COALESCE($9::timestamptz, 'infinity'), COALESCE($10::bigint, 0))
ORDER BY o.processed_at DESC, o.order_id DESC
LIMIT $11

-- name: day_bounds
-- Where the shop's days begin and end; text keeps a missing bound missing.
SELECT ($2::date)::timestamp AT TIME ZONE $1 AS since,
    ($3::date + 1)::timestamp AT TIME ZONE $1 AS until

-- name: one_order
SELECT * FROM commerce.orders WHERE shop_id = $1 AND order_id = $2 AND deleted_at IS NULL

-- name: order_lines
SELECT * FROM commerce.order_lines WHERE shop_id = $1 AND order_id = $2 ORDER BY position, line_id

-- name: refunds
SELECT * FROM commerce.refunds WHERE shop_id = $1 AND order_id = $2 ORDER BY processed_at, refund_id

-- name: refund_lines
SELECT * FROM commerce.refund_lines WHERE shop_id = $1 AND order_id = $2 ORDER BY refund_line_id

-- name: transactions
SELECT * FROM commerce.transactions
WHERE shop_id = $1 AND order_id = $2 ORDER BY created_at, transaction_id

-- name: fulfillments
SELECT * FROM commerce.fulfillments
WHERE shop_id = $1 AND order_id = $2 ORDER BY created_at, fulfillment_id

-- name: products
SELECT p.product_id, p.title, p.handle, p.status, p.vendor, p.product_type, p.tags, p.created_at,
    p.updated_at, p.published_at, p.synced_at, p.options, p.media,
    CASE WHEN $2::bigint IS NOT NULL THEN p.description_html END AS description_html,
    v.variants, v.inventory_quantity
FROM commerce.products p, LATERAL (
    SELECT count(*) AS variants, sum(inventory_quantity) AS inventory_quantity
    FROM commerce.variants v
    WHERE v.tenant_id = p.tenant_id AND v.shop_id = p.shop_id AND v.product_id = p.product_id
) v
WHERE p.shop_id = $1 AND p.deleted_at IS NULL
    AND ($2::bigint IS NULL OR p.product_id = $2)
    AND ($3::text IS NULL OR lower(p.status) = lower($3))
    AND ($4::text IS NULL OR p.product_type = $4)
    AND ($5::text IS NULL OR p.vendor = $5)
    AND ($6::timestamptz IS NULL OR p.updated_at >= $6)
    AND ($7::text IS NULL OR strpos(lower(p.title), lower($7)) > 0)
    AND p.product_id < COALESCE($8::bigint, 9223372036854775807)
ORDER BY p.product_id DESC
LIMIT $9

-- name: variants
SELECT * FROM commerce.variants WHERE shop_id = $1 AND product_id = $2 ORDER BY position, variant_id

-- name: customers
SELECT customer_id, email, phone, first_name, last_name, state, tags, orders_count, total_spent,
    currency, created_at, updated_at, synced_at
FROM commerce.customers
WHERE shop_id = $1 AND deleted_at IS NULL
    AND ($2::bigint IS NULL OR customer_id = $2)
    AND ($3::timestamptz IS NULL OR updated_at >= $3)
    AND ($4::text IS NULL
        OR strpos(lower(concat_ws(' ', email, first_name, last_name)), lower($4)) > 0)
    AND customer_id < COALESCE($5::bigint, 9223372036854775807)
ORDER BY customer_id DESC
LIMIT $6

-- name: levels
SELECT l.*, i.sku, p.name AS location_name
FROM commerce.inventory_levels l
LEFT JOIN commerce.inventory_items i USING (tenant_id, shop_id, inventory_item_id)
LEFT JOIN commerce.locations p USING (tenant_id, shop_id, location_id)
WHERE l.shop_id = $1 AND (l.deleted_at IS NULL OR l.deleted_at < l.updated_at)
    AND ($2::bigint IS NULL OR l.inventory_item_id = $2)
    AND ($3::bigint IS NULL OR l.location_id = $3)
    AND ($4::text IS NULL OR i.sku = $4)
    AND (l.inventory_item_id, l.location_id) > (COALESCE($5::bigint, -1), COALESCE($6::bigint, -1))
ORDER BY l.inventory_item_id, l.location_id
LIMIT $7

-- name: summary
SELECT
    (SELECT count(*) FROM accounts.stores WHERE status <> 'disconnected') AS stores,
    (SELECT count(*) FROM accounts.stores WHERE status = 'active') AS active,
    (SELECT count(*) FROM accounts.stores WHERE status = 'reauth_required') AS reauth_required,
    (SELECT count(*) FROM accounts.stores WHERE status = 'uninstalled') AS uninstalled,
    (SELECT count(*) FROM commerce.sync_jobs WHERE status = 'running') AS jobs_running,
    (SELECT count(*) FROM commerce.sync_jobs WHERE status = 'queued') AS jobs_queued,
    (SELECT count(*) FROM commerce.sync_jobs
     WHERE status = 'failed' AND finished_at > now() - interval '1 day') AS jobs_failed_24h,
    (SELECT count(*) FROM commerce.webhook_events
     WHERE state = 'dead' AND received_at > now() - interval '1 day') AS webhooks_dead_24h,
    (SELECT max(received_at) FROM commerce.webhook_events) AS last_webhook_at
