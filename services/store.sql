-- name: rows_per_kind
SELECT kind, rows
FROM (
    SELECT 'orders' AS kind, count(*) AS rows
    FROM commerce.orders WHERE shop_id = $1 AND deleted_at IS NULL
    UNION ALL
    SELECT 'products', count(*)
    FROM commerce.products WHERE shop_id = $1 AND deleted_at IS NULL
    UNION ALL
    SELECT 'customers', count(*)
    FROM commerce.customers WHERE shop_id = $1 AND deleted_at IS NULL
    UNION ALL
    SELECT 'inventory_items', count(*)
    FROM commerce.inventory_items WHERE shop_id = $1 AND deleted_at IS NULL
    UNION ALL
    SELECT 'inventory_levels', count(*)
    FROM commerce.inventory_levels WHERE shop_id = $1 AND deleted_at IS NULL AND active
    UNION ALL
    SELECT 'locations', count(*)
    FROM commerce.locations WHERE shop_id = $1 AND deleted_at IS NULL
    UNION ALL
    SELECT 'order_details', count(*)
    FROM commerce.order_details WHERE shop_id = $1 AND deleted_at IS NULL
    UNION ALL
    SELECT 'fulfillment_orders', count(*)
    FROM commerce.fulfillment_orders WHERE shop_id = $1 AND deleted_at IS NULL
    UNION ALL
    SELECT 'draft_orders', count(*)
    FROM commerce.draft_orders WHERE shop_id = $1 AND deleted_at IS NULL
    UNION ALL
    SELECT 'collections', count(*)
    FROM commerce.collections WHERE shop_id = $1 AND deleted_at IS NULL
    UNION ALL
    SELECT 'discounts', count(*)
    FROM commerce.discounts WHERE shop_id = $1 AND deleted_at IS NULL
) AS counted
ORDER BY kind

-- name: order_total
SELECT COALESCE(sum(current_total_price), 0)
FROM commerce.orders
WHERE shop_id = $1 AND deleted_at IS NULL

-- name: deliveries_per_state
SELECT state, count(*) AS deliveries
FROM commerce.webhook_events
WHERE shop_id = $1
GROUP BY state

-- name: unfinished
-- What still has to happen before two sides can be compared.
SELECT
    (SELECT count(*) FROM commerce.refetches WHERE shop_id = $1)
    + (SELECT count(*) FROM commerce.sync_jobs
       WHERE shop_id = $1 AND status = 'running')
