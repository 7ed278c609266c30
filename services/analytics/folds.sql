-- name: note
WITH old AS (
    DELETE FROM analytics.folds
    WHERE tenant_id = $1 AND shop_id = $2 AND folded_at < now() - interval '14 days'
)
INSERT INTO analytics.folds (tenant_id, shop_id, order_ids) VALUES ($1, $2, $3)
