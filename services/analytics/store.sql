-- name: shops_to_visit
-- Shops with marks, found by skipping from one to the next, and shops whose time zone or rules moved.
WITH RECURSIVE marked AS (
    (SELECT tenant_id, shop_id FROM analytics.order_marks ORDER BY tenant_id, shop_id LIMIT 1)
    UNION ALL
    SELECT following.tenant_id, following.shop_id
    FROM marked m
    CROSS JOIN LATERAL (
        SELECT o.tenant_id, o.shop_id FROM analytics.order_marks o
        WHERE (o.tenant_id, o.shop_id) > (m.tenant_id, m.shop_id)
        ORDER BY o.tenant_id, o.shop_id LIMIT 1
    ) following
)
SELECT tenant_id::text, shop_id FROM marked
UNION
SELECT a.tenant_id::text, a.shop_id
FROM analytics.shops a JOIN commerce.shops s USING (tenant_id, shop_id)
WHERE a.timezone <> s.iana_timezone OR a.rules <> $1

-- name: known_shops
SELECT tenant_id::text, shop_id FROM analytics.shops
UNION
SELECT tenant_id::text, shop_id FROM commerce.shops
ORDER BY shop_id

-- name: try_lock
SELECT pg_try_advisory_xact_lock(hashtextextended('analytics ' || $1::uuid || ' ' || $2::bigint, 0))

-- name: lock_for_session
SELECT pg_advisory_lock(hashtextextended('analytics ' || $1::uuid || ' ' || $2::bigint, 0))

-- name: unlock_for_session
SELECT pg_advisory_unlock(hashtextextended('analytics ' || $1::uuid || ' ' || $2::bigint, 0))

-- name: timezones
SELECT a.timezone AS used, a.rules, COALESCE(s.iana_timezone, a.timezone, 'UTC') AS current,
       s.currency
FROM (VALUES ($1::uuid, $2::bigint)) AS shop (tenant_id, shop_id)
LEFT JOIN analytics.shops a USING (tenant_id, shop_id)
LEFT JOIN commerce.shops s USING (tenant_id, shop_id)

-- name: use_timezone
INSERT INTO analytics.shops (tenant_id, shop_id, timezone, currency, rules)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, shop_id) DO UPDATE SET
    timezone = excluded.timezone, currency = excluded.currency, rules = excluded.rules,
    updated_at = now()

-- name: mark_all_orders
INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)
SELECT $1, $2, order_id FROM commerce.orders WHERE tenant_id = $1 AND shop_id = $2
UNION
SELECT $1, $2, order_id FROM analytics.contributions WHERE tenant_id = $1 AND shop_id = $2

-- name: take_marks
-- The oldest marks in sight; one that commits later with a lower number waits for the next time. By
-- place, because any condition on mark_id made Postgres read every mark of a backfill per batch.
WITH taken AS (
    DELETE FROM analytics.order_marks
    WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM analytics.order_marks WHERE tenant_id = $1 AND shop_id = $2
        ORDER BY tenant_id, shop_id, mark_id LIMIT $3
    ))
    RETURNING order_id
)
SELECT count(*) AS marks, COALESCE(array_agg(DISTINCT order_id), '{}') AS order_ids FROM taken

-- name: ask_anything
SELECT 1

-- name: marks_pending
SELECT count(*) FROM analytics.order_marks

-- name: make_incoming
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (LIKE analytics.contributions INCLUDING GENERATED)
ON COMMIT DELETE ROWS

-- name: retire
-- What the new snapshots no longer say leaves the ledger, and its sums leave the buckets. Written so
-- that fresh tables without statistics get the same plan: one probe per order, one hash of incoming.
WITH gone AS (
    DELETE FROM analytics.contributions
    WHERE ctid = ANY (ARRAY(
        SELECT old.ctid
        FROM unnest($3::bigint[]) AS wanted (order_id)
        CROSS JOIN LATERAL (
            SELECT ctid, order_id, ckey, row_hash FROM analytics.contributions
            WHERE tenant_id = $1 AND shop_id = $2 AND order_id = wanted.order_id
            OFFSET 0
        ) old
        WHERE (old.order_id, old.ckey, old.row_hash) NOT IN (
            SELECT order_id, ckey, row_hash FROM pg_temp.incoming
        )
    ))
    RETURNING *
), sums AS (
    SELECT b.basis, b.day, c.currency,
           -sum(c.orders) AS orders, -sum(c.units) AS units, -sum(c.gross_sales) AS gross_sales,
           -sum(c.discounts) AS discounts, -sum(c.gross_reversals) AS gross_reversals,
           -sum(c.discount_reversals) AS discount_reversals, -sum(c.adjustments) AS adjustments,
           -sum(c.shipping) AS shipping, -sum(c.taxes) AS taxes, -sum(c.duties) AS duties,
           -sum(c.additional_fees) AS additional_fees, -sum(c.tips) AS tips,
           -sum(c.gift_card_sales) AS gift_card_sales, -count(*) AS n,
           -sum(c.row_hash::numeric) AS checksum
    FROM gone c
    CROSS JOIN LATERAL (VALUES ('event', c.event_day), ('order', c.order_day)) AS b (basis, day)
    GROUP BY b.basis, b.day, c.currency
), taken AS (
    INSERT INTO analytics.daily_sales AS d (
        tenant_id, shop_id, basis, day, currency, orders, units, gross_sales, discounts,
        gross_reversals, discount_reversals, adjustments, shipping, taxes, duties,
        additional_fees, tips, gift_card_sales, n, checksum
    )
    SELECT $1, $2, basis, day, currency,
           orders, units, gross_sales, discounts, gross_reversals, discount_reversals,
           adjustments, shipping, taxes, duties, additional_fees, tips, gift_card_sales, n,
           checksum
    FROM sums
    ON CONFLICT (tenant_id, shop_id, basis, day, currency) DO UPDATE SET
        orders = d.orders + excluded.orders, units = d.units + excluded.units,
        gross_sales = d.gross_sales + excluded.gross_sales,
        discounts = d.discounts + excluded.discounts,
        gross_reversals = d.gross_reversals + excluded.gross_reversals,
        discount_reversals = d.discount_reversals + excluded.discount_reversals,
        adjustments = d.adjustments + excluded.adjustments,
        shipping = d.shipping + excluded.shipping, taxes = d.taxes + excluded.taxes,
        duties = d.duties + excluded.duties,
        additional_fees = d.additional_fees + excluded.additional_fees,
        tips = d.tips + excluded.tips,
        gift_card_sales = d.gift_card_sales + excluded.gift_card_sales, n = d.n + excluded.n,
        checksum = d.checksum + excluded.checksum
)
SELECT count(*) FROM gone

-- name: enrol
-- What is new enters the ledger, and its sums the buckets.
WITH came AS (
    INSERT INTO analytics.contributions (
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
    FROM pg_temp.incoming
    ON CONFLICT (tenant_id, shop_id, order_id, ckey) DO NOTHING
    RETURNING *
), sums AS (
    SELECT b.basis, b.day, c.currency,
           sum(c.orders) AS orders, sum(c.units) AS units, sum(c.gross_sales) AS gross_sales,
           sum(c.discounts) AS discounts, sum(c.gross_reversals) AS gross_reversals,
           sum(c.discount_reversals) AS discount_reversals, sum(c.adjustments) AS adjustments,
           sum(c.shipping) AS shipping, sum(c.taxes) AS taxes, sum(c.duties) AS duties,
           sum(c.additional_fees) AS additional_fees, sum(c.tips) AS tips,
           sum(c.gift_card_sales) AS gift_card_sales, count(*) AS n,
           sum(c.row_hash::numeric) AS checksum
    FROM came c
    CROSS JOIN LATERAL (VALUES ('event', c.event_day), ('order', c.order_day)) AS b (basis, day)
    GROUP BY b.basis, b.day, c.currency
), added AS (
    INSERT INTO analytics.daily_sales AS d (
        tenant_id, shop_id, basis, day, currency, orders, units, gross_sales, discounts,
        gross_reversals, discount_reversals, adjustments, shipping, taxes, duties,
        additional_fees, tips, gift_card_sales, n, checksum
    )
    SELECT $1, $2, basis, day, currency,
           orders, units, gross_sales, discounts, gross_reversals, discount_reversals,
           adjustments, shipping, taxes, duties, additional_fees, tips, gift_card_sales, n,
           checksum
    FROM sums
    ON CONFLICT (tenant_id, shop_id, basis, day, currency) DO UPDATE SET
        orders = d.orders + excluded.orders, units = d.units + excluded.units,
        gross_sales = d.gross_sales + excluded.gross_sales,
        discounts = d.discounts + excluded.discounts,
        gross_reversals = d.gross_reversals + excluded.gross_reversals,
        discount_reversals = d.discount_reversals + excluded.discount_reversals,
        adjustments = d.adjustments + excluded.adjustments,
        shipping = d.shipping + excluded.shipping, taxes = d.taxes + excluded.taxes,
        duties = d.duties + excluded.duties,
        additional_fees = d.additional_fees + excluded.additional_fees,
        tips = d.tips + excluded.tips,
        gift_card_sales = d.gift_card_sales + excluded.gift_card_sales, n = d.n + excluded.n,
        checksum = d.checksum + excluded.checksum
)
SELECT count(*) FROM came

-- name: drop_empty_buckets
DELETE FROM analytics.daily_sales WHERE tenant_id = $1 AND shop_id = $2 AND n = 0

-- name: orders
SELECT o.order_id, o.customer_id, o.currency, o.processed_at, o.cancelled_at, o.deleted_at IS NOT NULL AS deleted,
       o.test, o.taxes_included, o.duties_included, o.total_tax,
       COALESCE(o.total_duties, 0) AS total_duties, o.total_tip,
       NULLIF(o.shipping_lines::text, '[]') AS shipping_lines
FROM unnest($3::bigint[]) AS wanted (order_id)
CROSS JOIN LATERAL (
    -- The first row from the key on: without statistics, equality would as soon use another index.
    SELECT * FROM commerce.orders
    WHERE (tenant_id, shop_id, order_id) >= ($1, $2, wanted.order_id)
    ORDER BY tenant_id, shop_id, order_id
    LIMIT 1
) o
WHERE o.tenant_id = $1 AND o.shop_id = $2 AND o.order_id = wanted.order_id

-- name: order_lines
SELECT l.order_id, l.line_id, l.product_id, l.variant_id, l.quantity, l.current_quantity, l.price,
       l.discount, l.tax, l.duty, l.gift_card,
       CASE WHEN l.discount <> 0 AND l.price * l.quantity = l.discount THEN l.tax_lines::text END
       AS tax_lines,
       CASE WHEN l.duty <> 0 THEN l.duties::text END AS duties
FROM unnest($3::bigint[]) AS wanted (order_id)
CROSS JOIN LATERAL (
    SELECT * FROM commerce.order_lines
    WHERE tenant_id = $1 AND shop_id = $2 AND order_id = wanted.order_id
    OFFSET 0
) l
ORDER BY l.order_id, l.position, l.line_id

-- name: refunds
SELECT r.order_id, r.refund_id, r.processed_at, NULLIF(r.adjustments::text, '[]') AS adjustments,
       NULLIF(r.shipping::text, '[]') AS shipping, NULLIF(r.duties::text, '[]') AS duties
FROM unnest($3::bigint[]) AS wanted (order_id)
CROSS JOIN LATERAL (
    SELECT * FROM commerce.refunds
    WHERE tenant_id = $1 AND shop_id = $2 AND order_id = wanted.order_id
    OFFSET 0
) r

-- name: refund_lines
SELECT l.order_id, l.refund_id, l.refund_line_id, l.line_id, l.quantity, l.subtotal, l.total_tax
FROM unnest($3::bigint[]) AS wanted (order_id)
CROSS JOIN LATERAL (
    SELECT * FROM commerce.refund_lines
    WHERE tenant_id = $1 AND shop_id = $2 AND order_id = wanted.order_id
    OFFSET 0
) l
