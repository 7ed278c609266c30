-- name: hidden_orders
-- Shopify answers null for orders older than sixty days unless the app has read_all_orders; of an
-- order that we do not have nobody knows its age.
SELECT w.order_id FROM unnest($3::bigint[]) AS w (order_id)
LEFT JOIN commerce.orders o ON o.tenant_id = $1 AND o.shop_id = $2 AND o.order_id = w.order_id
WHERE COALESCE(o.created_at, '-infinity') <= now() - interval '59 days' AND NOT EXISTS (
    SELECT FROM accounts.credentials c
    WHERE c.tenant_id = $1 AND c.shop_id = $2 AND 'read_all_orders' = ANY(c.scopes)
)

-- name: unseen_orders
-- What Shopify may hide from us is not missing.
SELECT order_id FROM commerce.orders
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL AND synced_at < $3 AND order_id > $4
    AND (created_at > now() - interval '59 days' OR EXISTS (
        SELECT FROM accounts.credentials c
        WHERE c.tenant_id = $1 AND c.shop_id = $2 AND 'read_all_orders' = ANY(c.scopes)
    ))
ORDER BY order_id LIMIT $5

-- name: unseen_products
SELECT product_id FROM commerce.products
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL AND synced_at < $3 AND product_id > $4
ORDER BY product_id LIMIT $5

-- name: unseen_customers
SELECT customer_id FROM commerce.customers
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL AND synced_at < $3 AND customer_id > $4
ORDER BY customer_id LIMIT $5

-- name: level_keys
SELECT inventory_item_id, location_id FROM commerce.inventory_levels
WHERE tenant_id = $1 AND shop_id = $2 AND inventory_item_id = ANY($3::bigint[])
    AND deleted_at IS NULL
ORDER BY inventory_item_id, location_id

-- name: unseen_inventory
-- An item that was met may still have lost a level.
SELECT inventory_item_id FROM commerce.inventory_items
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL AND synced_at < $3
    AND inventory_item_id > $4
UNION
SELECT inventory_item_id FROM commerce.inventory_levels
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL AND synced_at < $3
    AND inventory_item_id > $4
ORDER BY inventory_item_id LIMIT $5
