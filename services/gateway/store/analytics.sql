-- name: sales
SELECT date_trunc($4, day::timestamp)::date AS period, currency,
    sum(orders)::bigint AS orders, sum(units)::bigint AS units,
    sum(new_customers)::bigint AS new_customers,
    sum(gross_sales) AS gross_sales, sum(discounts) AS discounts,
    sum(sales_reversals) AS sales_reversals, sum(net_sales) AS net_sales,
    sum(shipping) AS shipping, sum(taxes) AS taxes, sum(duties) AS duties,
    sum(additional_fees) AS additional_fees, sum(total_sales) AS total_sales,
    sum(tips) AS tips, sum(gift_card_sales) AS gift_card_sales
FROM analytics.daily_sales
WHERE shop_id = $1 AND basis = $2 AND ($3::text IS NULL OR currency = $3)
    AND ($5::date IS NULL OR day >= $5) AND ($6::date IS NULL OR day <= $6)
GROUP BY 1, 2
ORDER BY 1, 2

-- name: freshness
SELECT count(DISTINCT order_id) AS pending_orders, min(marked_at) AS oldest_pending_at
FROM analytics.order_marks WHERE shop_id = $1
