-- name: make_incoming
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_customers (LIKE analytics.customer_orders)
ON COMMIT DELETE ROWS

-- name: successors
-- Who became whom in the end; nobody for customers that were merged in a circle.
WITH RECURSIVE became AS (
    SELECT wanted.customer_id, m.merged_into
    FROM unnest($3::bigint[]) AS wanted (customer_id)
    CROSS JOIN LATERAL (
        SELECT merged_into FROM commerce.customer_merges
        WHERE tenant_id = $1 AND shop_id = $2 AND customer_id = wanted.customer_id
        OFFSET 0
    ) m
    UNION
    SELECT b.customer_id, m.merged_into
    FROM became b
    JOIN commerce.customer_merges m
        ON m.tenant_id = $1 AND m.shop_id = $2 AND m.customer_id = b.merged_into
)
SELECT customer_id, merged_into FROM became b
WHERE NOT EXISTS (
    SELECT FROM commerce.customer_merges m
    WHERE m.tenant_id = $1 AND m.shop_id = $2 AND m.customer_id = b.merged_into
)

-- name: replace_orders
-- The customers of changed orders are looked at whole, before and after: an order that comes or goes
-- moves the first order of its customer, and so the days of orders that did not change.
WITH came AS MATERIALIZED (
    SELECT * FROM pg_temp.incoming_customers
    WHERE order_id IN (SELECT unnest($3::bigint[]))
), kept AS MATERIALIZED (
    SELECT old.*
    FROM unnest($3::bigint[]) AS wanted (order_id)
    CROSS JOIN LATERAL (
        -- The first row from the key on, as without statistics equality would take any index.
        SELECT ctid AS place, * FROM analytics.customer_orders
        WHERE (tenant_id, shop_id, order_id) >= ($1, $2, wanted.order_id)
        ORDER BY tenant_id, shop_id, order_id
        LIMIT 1
    ) old
    WHERE old.tenant_id = $1 AND old.shop_id = $2 AND old.order_id = wanted.order_id
), different AS MATERIALIZED (
    SELECT order_id, kept.place, came.order_id IS NULL AS is_gone,
           kept.customer_id AS left_by, came.customer_id AS taken_by
    FROM came FULL JOIN kept USING (order_id)
    WHERE (came.customer_id, came.processed_at, came.day, came.currency)
        IS DISTINCT FROM (kept.customer_id, kept.processed_at, kept.day, kept.currency)
), before AS MATERIALIZED (
    SELECT o.*
    FROM (
        SELECT left_by AS customer_id FROM different WHERE left_by IS NOT NULL
        UNION
        SELECT taken_by FROM different WHERE taken_by IS NOT NULL
    ) affected
    CROSS JOIN LATERAL (
        SELECT order_id, customer_id, processed_at, day, currency FROM analytics.customer_orders
        WHERE tenant_id = $1 AND shop_id = $2 AND customer_id = affected.customer_id
        ORDER BY processed_at, order_id
        OFFSET 0
    ) o
), both_states AS (
    SELECT -1 AS sign, * FROM before
    UNION ALL
    SELECT 1, * FROM before WHERE order_id NOT IN (SELECT order_id FROM different)
    UNION ALL
    SELECT 1, order_id, customer_id, processed_at, day, currency
    FROM came WHERE order_id IN (SELECT order_id FROM different)
), ranked AS (
    SELECT sign, customer_id, day, currency, row_number() OVER (
        PARTITION BY sign, customer_id ORDER BY processed_at, order_id
    ) = 1 AS is_first
    FROM both_states
), deltas AS MATERIALIZED (
    SELECT day, currency, COALESCE(sum(sign) FILTER (WHERE is_first), 0) AS new_customers,
           count(DISTINCT customer_id) FILTER (WHERE sign = 1 AND NOT is_first)
           - count(DISTINCT customer_id) FILTER (WHERE sign = -1 AND NOT is_first)
           AS returning_customers
    FROM ranked GROUP BY day, currency
), places AS MATERIALIZED (
    -- Each bucket by its key: joined, all buckets of the shop were compared with all deltas.
    SELECT d.place, c.new_customers, c.returning_customers
    FROM deltas c
    CROSS JOIN (VALUES ('event'), ('order')) AS b (basis)
    CROSS JOIN LATERAL (
        SELECT ctid AS place FROM analytics.daily_sales
        WHERE tenant_id = $1 AND shop_id = $2 AND basis = b.basis AND day = c.day
            AND currency = c.currency
        OFFSET 0
    ) d
    WHERE c.new_customers <> 0 OR c.returning_customers <> 0
), gone AS (
    DELETE FROM analytics.customer_orders
    WHERE ctid = ANY (ARRAY(SELECT place FROM different WHERE is_gone))
), written AS (
    INSERT INTO analytics.customer_orders AS o (
        tenant_id, shop_id, order_id, customer_id, processed_at, day, currency
    )
    SELECT $1, $2, order_id, customer_id, processed_at, day, currency
    FROM came WHERE order_id IN (SELECT order_id FROM different)
    ON CONFLICT (tenant_id, shop_id, order_id) DO UPDATE SET
        customer_id = excluded.customer_id, processed_at = excluded.processed_at,
        day = excluded.day, currency = excluded.currency
)
UPDATE analytics.daily_sales d SET
    new_customers = d.new_customers + p.new_customers,
    returning_customers = d.returning_customers + p.returning_customers
FROM places p WHERE d.ctid = p.place

-- name: keep_orders_of
-- Orders whose marks wait are not compared: what is kept is taken at its word for them.
INSERT INTO pg_temp.incoming_customers
SELECT * FROM analytics.customer_orders
WHERE tenant_id = $1 AND shop_id = $2 AND order_id = ANY ($3::bigint[])

-- name: different_orders
SELECT format(
    'customer of order %s: kept %s, recomputed %s', order_id,
    COALESCE((to_jsonb(found) - '{tenant_id,shop_id,order_id}'::text[])::text, 'none'),
    COALESCE((to_jsonb(expected) - '{tenant_id,shop_id,order_id}'::text[])::text, 'none')
)
FROM (SELECT * FROM analytics.customer_orders WHERE tenant_id = $1 AND shop_id = $2) found
FULL JOIN pg_temp.incoming_customers expected USING (order_id)
WHERE (found.customer_id, found.processed_at, found.day, found.currency)
    IS DISTINCT FROM
    (expected.customer_id, expected.processed_at, expected.day, expected.currency)
ORDER BY order_id

-- name: different_days
-- The rollup beside the customers of what was recomputed.
WITH ranked AS (
    SELECT customer_id, day, currency, row_number() OVER (
        PARTITION BY customer_id ORDER BY processed_at, order_id
    ) = 1 AS is_first
    FROM pg_temp.incoming_customers
), expected AS (
    SELECT basis, day, currency, count(*) FILTER (WHERE is_first) AS new_customers,
           count(DISTINCT customer_id) FILTER (WHERE NOT is_first) AS returning_customers
    FROM ranked CROSS JOIN (VALUES ('event'), ('order')) AS b (basis)
    GROUP BY basis, day, currency
), found AS (
    SELECT basis, day, currency, new_customers, returning_customers
    FROM analytics.daily_sales
    WHERE tenant_id = $1 AND shop_id = $2 AND (new_customers <> 0 OR returning_customers <> 0)
)
SELECT format(
    '%s day %s %s: new and returning customers %s and %s, recomputed %s and %s',
    basis, day, currency, COALESCE(found.new_customers, 0),
    COALESCE(found.returning_customers, 0), COALESCE(expected.new_customers, 0),
    COALESCE(expected.returning_customers, 0)
)
FROM found FULL JOIN expected USING (basis, day, currency)
WHERE (found.new_customers, found.returning_customers)
    IS DISTINCT FROM (expected.new_customers, expected.returning_customers)
ORDER BY basis, day, currency

-- name: unbalanced_days
-- The rollup beside the orders that are kept, in SQL alone.
WITH ranked AS (
    SELECT customer_id, day, currency, row_number() OVER (
        PARTITION BY customer_id ORDER BY processed_at, order_id
    ) = 1 AS is_first
    FROM analytics.customer_orders WHERE tenant_id = $1 AND shop_id = $2
), expected AS (
    SELECT basis, day, currency, count(*) FILTER (WHERE is_first) AS new_customers,
           count(DISTINCT customer_id) FILTER (WHERE NOT is_first) AS returning_customers
    FROM ranked CROSS JOIN (VALUES ('event'), ('order')) AS b (basis)
    GROUP BY basis, day, currency
), found AS (
    SELECT basis, day, currency, new_customers, returning_customers
    FROM analytics.daily_sales
    WHERE tenant_id = $1 AND shop_id = $2 AND (new_customers <> 0 OR returning_customers <> 0)
)
SELECT format('customers of %s day %s %s', basis, day, currency)
FROM found FULL JOIN expected USING (basis, day, currency)
WHERE (found.new_customers, found.returning_customers)
    IS DISTINCT FROM (expected.new_customers, expected.returning_customers)
ORDER BY basis, day, currency

-- name: enrol_all
-- The recomputed customers, into a rollup that has none.
WITH gone AS (
    DELETE FROM analytics.customer_orders WHERE tenant_id = $1 AND shop_id = $2
), ranked AS (
    SELECT customer_id, day, currency, row_number() OVER (
        PARTITION BY customer_id ORDER BY processed_at, order_id
    ) = 1 AS is_first
    FROM pg_temp.incoming_customers
), sums AS (
    SELECT day, currency, count(*) FILTER (WHERE is_first) AS new_customers,
           count(DISTINCT customer_id) FILTER (WHERE NOT is_first) AS returning_customers
    FROM ranked GROUP BY day, currency
)
UPDATE analytics.daily_sales d
SET new_customers = c.new_customers, returning_customers = c.returning_customers
FROM sums c
WHERE d.tenant_id = $1 AND d.shop_id = $2 AND d.day = c.day AND d.currency = c.currency

-- name: keep_all
INSERT INTO analytics.customer_orders SELECT * FROM pg_temp.incoming_customers
