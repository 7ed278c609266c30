-- name: agreements
SELECT a.order_id, a.agreement_id, a.happened_at, a.reason,
       d.current_total_additional_fees AS fees
FROM unnest($3::bigint[]) AS wanted (order_id)
CROSS JOIN LATERAL (
    SELECT order_id, current_total_additional_fees FROM commerce.order_details
    WHERE tenant_id = $1 AND shop_id = $2 AND order_id = wanted.order_id
    OFFSET 0
) d
CROSS JOIN LATERAL (
    SELECT * FROM commerce.sales_agreements
    WHERE tenant_id = $1 AND shop_id = $2 AND order_id = d.order_id
    OFFSET 0
) a

-- name: sales
SELECT s.order_id, s.agreement_id, s.sale_id, s.action_type, s.line_type, s.line_id,
       COALESCE(s.quantity, 0) AS quantity, s.total, s.discount_before_taxes AS discount, s.tax
FROM unnest($3::bigint[]) AS wanted (order_id)
CROSS JOIN LATERAL (
    SELECT * FROM commerce.sales
    WHERE tenant_id = $1 AND shop_id = $2 AND order_id = wanted.order_id
    OFFSET 0
) s

-- name: replace_gaps
WITH told AS (
    SELECT * FROM unnest($4::bigint[], $5::text[]) AS t (order_id, reason)
), closed AS (
    DELETE FROM analytics.ledger_gaps
    WHERE tenant_id = $1 AND shop_id = $2 AND order_id = ANY ($3::bigint[])
        AND order_id NOT IN (SELECT order_id FROM told)
)
INSERT INTO analytics.ledger_gaps AS g (tenant_id, shop_id, order_id, reason)
SELECT $1, $2, order_id, reason FROM told
ON CONFLICT (tenant_id, shop_id, order_id) DO UPDATE SET reason = excluded.reason
WHERE g.reason <> excluded.reason

-- name: gaps
SELECT order_id, reason FROM analytics.ledger_gaps WHERE tenant_id = $1 AND shop_id = $2

-- name: forget_gaps
DELETE FROM analytics.ledger_gaps WHERE tenant_id = $1 AND shop_id = $2

-- name: count_gaps
SELECT count(*) FROM analytics.ledger_gaps
