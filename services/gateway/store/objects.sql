-- How the objects of any resource are read; objects.py fills in the words in braces.
-- name: objects
SELECT t.{id} AS id, t.* FROM commerce.{table} t
WHERE t.shop_id = $1 AND t.deleted_at IS NULL AND ($2::bigint IS NULL OR t.{id} = $2)
    AND ($3::timestamptz IS NULL OR t.updated_at >= $3)
    AND t.{id} < COALESCE($4::bigint, 9223372036854775807)
ORDER BY t.{id} DESC
LIMIT $5

-- name: children
SELECT t.{id} AS parent_of, t.* FROM commerce.{child} t
WHERE t.shop_id = $1 AND t.{id} = ANY($2::bigint[])
ORDER BY {keys}
