-- How the objects of one kind are compared with what was copied into staged_{table}. The words in
-- braces are filled in by verify.py, as statements.py does for write.sql.
-- name: unlike
-- Ids of staged objects that are not here in the same way.
SELECT s.{id} AS id FROM staged_{table} s LEFT JOIN commerce.{table} t USING ({key})
WHERE t.tenant_id IS NULL OR t.deleted_at IS NOT NULL
    OR ({s_compared}) IS DISTINCT FROM ({t_compared})
{unlike_children}

-- name: unlike_child
UNION
SELECT s.{id} FROM staged_{child} s LEFT JOIN commerce.{child} t USING ({child_key})
WHERE {child_staged} AND (
    t.tenant_id IS NULL OR NOT ({child_alive})
    OR ({child_s_compared}) IS DISTINCT FROM ({child_t_compared})
)
UNION
SELECT t.{id} FROM staged_{table} p JOIN commerce.{child} t USING ({key})
WHERE {child_present} AND {child_alive} AND NOT EXISTS (
    SELECT FROM staged_{child} s WHERE {child_staged} AND ({child_s_key}) = ({child_t_key})
)

-- name: sides
-- All rows of the objects $3 on both sides.
SELECT t.{id} AS id, true AS is_ours, '{table}' AS place, '{{}}'::bigint[] AS key,
    to_jsonb(c)::text AS content, t.deleted_at IS NOT NULL AS deleted
FROM commerce.{table} t CROSS JOIN LATERAL (SELECT {t_compared}) AS c
WHERE t.tenant_id = $1 AND t.shop_id = $2 AND t.{id} = ANY($3::bigint[])
UNION ALL
SELECT s.{id}, false, '{table}', '{{}}', to_jsonb(c)::text, false
FROM staged_{table} s CROSS JOIN LATERAL (SELECT {s_compared}) AS c
WHERE s.tenant_id = $1 AND s.shop_id = $2 AND s.{id} = ANY($3::bigint[])
{sides_of_children}

-- name: sides_of_child
-- Ours only where Shopify's side speaks of them.
UNION ALL
SELECT t.{id}, true, '{child}', ARRAY[{child_t_ids}]::bigint[], to_jsonb(c)::text, false
FROM commerce.{child} t JOIN staged_{table} p USING ({key})
CROSS JOIN LATERAL (SELECT {child_t_compared}) AS c
WHERE t.tenant_id = $1 AND t.shop_id = $2 AND t.{id} = ANY($3::bigint[])
    AND {child_present} AND {child_alive}
UNION ALL
SELECT s.{id}, false, '{child}', ARRAY[{child_s_ids}]::bigint[], to_jsonb(c)::text, false
FROM staged_{child} s CROSS JOIN LATERAL (SELECT {child_s_compared}) AS c
WHERE s.tenant_id = $1 AND s.shop_id = $2 AND s.{id} = ANY($3::bigint[]) AND {child_staged}

-- name: count
SELECT count(*) FROM commerce.{table}
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL

-- name: unmet
-- What the export did not hold. A join might be planned as a loop in a loop: nobody knows beforehand
-- how many ids the arrays hold.
SELECT {id} AS id FROM commerce.{table}
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL AND {id} > $4
EXCEPT
SELECT unnest(ids) FROM commerce.verification_seen
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3
ORDER BY id LIMIT $5

-- name: some
SELECT t.{id} AS id FROM commerce.{table} t
WHERE t.tenant_id = $1 AND t.shop_id = $2 AND t.deleted_at IS NULL AND ($4 OR {shown})
ORDER BY random() LIMIT $3

-- name: shown_orders
t.created_at > now() - interval '59 days'

-- name: shown_with_orders
EXISTS (
    SELECT FROM commerce.orders o
    WHERE o.tenant_id = t.tenant_id AND o.shop_id = t.shop_id AND o.order_id = t.order_id
        AND o.created_at > now() - interval '59 days'
)

-- name: give_way
-- A row that is wrong must not outrank what Shopify answers.
UPDATE commerce.{table} SET updated_at = to_timestamp(0), deleted_at = NULL
WHERE tenant_id = $1 AND shop_id = $2 AND {id} = ANY($3::bigint[])
