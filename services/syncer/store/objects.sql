-- name: location_ids
SELECT location_id FROM commerce.locations
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL
ORDER BY location_id

-- name: unseen_orders
SELECT order_id FROM commerce.orders
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL AND synced_at < $3 AND order_id > $4
ORDER BY order_id LIMIT $5

-- name: unseen_products
SELECT product_id FROM commerce.products
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL AND synced_at < $3 AND product_id > $4
ORDER BY product_id LIMIT $5

-- name: unseen_customers
SELECT customer_id FROM commerce.customers
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL AND synced_at < $3 AND customer_id > $4
ORDER BY customer_id LIMIT $5

-- name: unseen_inventory
SELECT inventory_item_id FROM commerce.inventory_items
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL AND synced_at < $3
    AND inventory_item_id > $4
ORDER BY inventory_item_id LIMIT $5
