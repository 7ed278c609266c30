-- name: order_ids_after
SELECT order_id FROM commerce.orders
WHERE tenant_id = $1 AND shop_id = $2 AND order_id > $3
ORDER BY order_id LIMIT $4

-- name: pending_orders
SELECT DISTINCT order_id FROM analytics.order_marks WHERE tenant_id = $1 AND shop_id = $2

-- name: keep_ledger_of
-- Orders whose marks wait are not compared: the ledger is taken at its word for them.
INSERT INTO pg_temp.incoming (
    tenant_id, shop_id, order_id, ckey, kind, happened_at, event_day, order_day, currency,
    line_id, product_id, variant_id, orders, units, gross_sales, discounts, gross_reversals,
    discount_reversals, adjustments, shipping, taxes, duties, additional_fees, tips,
    gift_card_sales
)
SELECT
    tenant_id, shop_id, order_id, ckey, kind, happened_at, event_day, order_day, currency,
    line_id, product_id, variant_id, orders, units, gross_sales, discounts, gross_reversals,
    discount_reversals, adjustments, shipping, taxes, duties, additional_fees, tips,
    gift_card_sales
FROM analytics.contributions
WHERE tenant_id = $1 AND shop_id = $2 AND order_id = ANY ($3::bigint[])

-- name: different_contributions
SELECT format(
    'order %s %s: ledger %s, recomputed %s',
    COALESCE(found.order_id, expected.order_id), COALESCE(found.ckey, expected.ckey),
    COALESCE((to_jsonb(found) - '{tenant_id,shop_id}'::text[])::text, 'has none'),
    COALESCE((to_jsonb(expected) - '{tenant_id,shop_id}'::text[])::text, 'has none')
)
FROM (SELECT * FROM analytics.contributions WHERE tenant_id = $1 AND shop_id = $2) found
FULL JOIN pg_temp.incoming expected USING (order_id, ckey)
WHERE found.row_hash IS DISTINCT FROM expected.row_hash
ORDER BY order_id, ckey

-- name: different_buckets
-- The rollup beside the sums of what was recomputed.
WITH expected AS (
    SELECT b.basis, b.day, c.currency,
           sum(c.orders) AS orders, sum(c.units) AS units, sum(c.gross_sales) AS gross_sales,
           sum(c.discounts) AS discounts, sum(c.gross_reversals) AS gross_reversals,
           sum(c.discount_reversals) AS discount_reversals, sum(c.adjustments) AS adjustments,
           sum(c.shipping) AS shipping, sum(c.taxes) AS taxes, sum(c.duties) AS duties,
           sum(c.additional_fees) AS additional_fees, sum(c.tips) AS tips,
           sum(c.gift_card_sales) AS gift_card_sales, count(*) AS n,
           sum(c.row_hash::numeric) AS checksum
    FROM pg_temp.incoming c
    CROSS JOIN LATERAL (VALUES ('event', c.event_day), ('order', c.order_day)) AS b (basis, day)
    GROUP BY b.basis, b.day, c.currency
), found AS (
    SELECT basis, day, currency,
           orders, units, gross_sales, discounts, gross_reversals, discount_reversals,
           adjustments, shipping, taxes, duties, additional_fees, tips, gift_card_sales, n,
           checksum
    FROM analytics.daily_sales WHERE tenant_id = $1 AND shop_id = $2
)
SELECT format(
    '%s day %s %s: rollup %s, recomputed %s', basis, day, currency,
    COALESCE(to_jsonb(found)::text, 'has none'), COALESCE(to_jsonb(expected)::text, 'has none')
)
FROM found FULL JOIN expected USING (basis, day, currency)
WHERE (
    found.orders, found.units, found.gross_sales, found.discounts, found.gross_reversals,
    found.discount_reversals, found.adjustments, found.shipping, found.taxes, found.duties,
    found.additional_fees, found.tips, found.gift_card_sales, found.n, found.checksum
) IS DISTINCT FROM (
    expected.orders, expected.units, expected.gross_sales, expected.discounts,
    expected.gross_reversals, expected.discount_reversals, expected.adjustments,
    expected.shipping, expected.taxes, expected.duties, expected.additional_fees, expected.tips,
    expected.gift_card_sales, expected.n, expected.checksum
)
ORDER BY basis, day, currency

-- name: unbalanced_buckets
-- The rollup beside the sums of the ledger, in SQL alone.
WITH expected AS (
    SELECT b.basis, b.day, c.currency,
           sum(c.orders) AS orders, sum(c.units) AS units, sum(c.gross_sales) AS gross_sales,
           sum(c.discounts) AS discounts, sum(c.gross_reversals) AS gross_reversals,
           sum(c.discount_reversals) AS discount_reversals, sum(c.adjustments) AS adjustments,
           sum(c.shipping) AS shipping, sum(c.taxes) AS taxes, sum(c.duties) AS duties,
           sum(c.additional_fees) AS additional_fees, sum(c.tips) AS tips,
           sum(c.gift_card_sales) AS gift_card_sales, count(*) AS n,
           sum(c.row_hash::numeric) AS checksum
    FROM (SELECT * FROM analytics.contributions WHERE tenant_id = $1 AND shop_id = $2) c
    CROSS JOIN LATERAL (VALUES ('event', c.event_day), ('order', c.order_day)) AS b (basis, day)
    GROUP BY b.basis, b.day, c.currency
), found AS (
    SELECT basis, day, currency,
           orders, units, gross_sales, discounts, gross_reversals, discount_reversals,
           adjustments, shipping, taxes, duties, additional_fees, tips, gift_card_sales, n,
           checksum
    FROM analytics.daily_sales WHERE tenant_id = $1 AND shop_id = $2
)
SELECT format('%s day %s %s', basis, day, currency)
FROM found FULL JOIN expected USING (basis, day, currency)
WHERE (
    found.orders, found.units, found.gross_sales, found.discounts, found.gross_reversals,
    found.discount_reversals, found.adjustments, found.shipping, found.taxes, found.duties,
    found.additional_fees, found.tips, found.gift_card_sales, found.n, found.checksum
) IS DISTINCT FROM (
    expected.orders, expected.units, expected.gross_sales, expected.discounts,
    expected.gross_reversals, expected.discount_reversals, expected.adjustments,
    expected.shipping, expected.taxes, expected.duties, expected.additional_fees, expected.tips,
    expected.gift_card_sales, expected.n, expected.checksum
)
ORDER BY basis, day, currency

-- name: forget_shop
WITH rollup AS (
    DELETE FROM analytics.daily_sales WHERE tenant_id = $1 AND shop_id = $2
)
DELETE FROM analytics.contributions WHERE tenant_id = $1 AND shop_id = $2

-- name: record_reconciliation
INSERT INTO analytics.reconciliations (
    tenant_id, shop_id, started_at, orders, contributions, pending, differences, sample, repaired
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
