-- Filled in from shared/tables.py by privacy_exporting.py.
-- name: rows
-- Rows of one table that belong to the objects of the given ids.
SELECT to_jsonb(t) - 'raw' - 'tenant_id' AS row, {raw} AS raw FROM commerce.{table} t
WHERE t.tenant_id = $1 AND t.shop_id = $2 AND t.{column} = ANY ($3::bigint[])
ORDER BY {key}
