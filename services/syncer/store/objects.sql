-- name: sees_all_orders
-- Without read_all_orders Shopify answers null for orders older than sixty days. The scope must be
-- among those of the credential, and the last probe must not have missed it: a scope that was taken
-- away still stands in the credential until the token is renewed.
SELECT EXISTS (
    SELECT FROM accounts.credentials c
    WHERE c.tenant_id = $1 AND c.shop_id = $2 AND 'read_all_orders' = ANY(c.scopes)
) AND NOT EXISTS (
    SELECT FROM commerce.capabilities k
    WHERE k.tenant_id = $1 AND k.shop_id = $2 AND k.resource = 'orders'
        AND k.complete_since IS NOT NULL
)

-- name: hidden_orders
-- Of an order that we do not have nobody knows its age.
SELECT w.order_id AS id FROM unnest($3::bigint[]) AS w (order_id)
LEFT JOIN commerce.orders o ON o.tenant_id = $1 AND o.shop_id = $2 AND o.order_id = w.order_id
WHERE COALESCE(o.created_at, '-infinity') <= now() - interval '59 days'

-- name: hidden_fulfillment_orders
-- With an order its fulfilment orders are hidden.
SELECT w.id FROM unnest($3::bigint[]) AS w (id)
LEFT JOIN commerce.fulfillment_orders f
    ON f.tenant_id = $1 AND f.shop_id = $2 AND f.fulfillment_order_id = w.id
LEFT JOIN commerce.orders o
    ON o.tenant_id = $1 AND o.shop_id = $2 AND o.order_id = f.order_id
WHERE COALESCE(o.created_at, '-infinity') <= now() - interval '59 days'

-- name: shown_orders_unseen
-- What Shopify may hide from us is not missing.
SELECT order_id FROM commerce.orders
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL AND synced_at < $3 AND order_id > $4
    AND created_at > now() - interval '59 days'
ORDER BY order_id LIMIT $5

-- name: shown_details_unseen
SELECT d.order_id FROM commerce.order_details d
JOIN commerce.orders o USING (tenant_id, shop_id, order_id)
WHERE d.tenant_id = $1 AND d.shop_id = $2 AND d.deleted_at IS NULL AND d.synced_at < $3
    AND d.order_id > $4 AND o.created_at > now() - interval '59 days'
ORDER BY d.order_id LIMIT $5

-- name: shown_fulfillment_orders_unseen
SELECT f.fulfillment_order_id FROM commerce.fulfillment_orders f
JOIN commerce.orders o USING (tenant_id, shop_id, order_id)
WHERE f.tenant_id = $1 AND f.shop_id = $2 AND f.deleted_at IS NULL AND f.synced_at < $3
    AND f.fulfillment_order_id > $4 AND o.created_at > now() - interval '59 days'
ORDER BY f.fulfillment_order_id LIMIT $5

-- name: unlisted_locations
SELECT location_id FROM commerce.locations
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL AND location_id <> ALL($3::bigint[])
ORDER BY location_id

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
