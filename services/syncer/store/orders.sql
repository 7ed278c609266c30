-- How orders are written. Every statement works on what was copied into staged_orders, sorted by key.
-- name: stage
CREATE TEMP TABLE staged_orders (
    LIKE commerce.orders INCLUDING DEFAULTS INCLUDING STORAGE, partial boolean, present integer
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE staged_order_lines (LIKE commerce.order_lines, extra boolean) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE staged_refunds (LIKE commerce.refunds, extra boolean) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE staged_refund_lines (LIKE commerce.refund_lines, extra boolean) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE staged_transactions (LIKE commerce.transactions, extra boolean) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE staged_fulfillments (LIKE commerce.fulfillments, extra boolean) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE accepted_orders (
    tenant_id uuid, shop_id bigint, order_id bigint, inserted boolean, present integer
) ON COMMIT DELETE ROWS;

-- name: upsert
WITH written AS (
    INSERT INTO commerce.orders AS t (
        tenant_id, shop_id, order_id, name, confirmation_number, email, phone, customer_id,
        created_at, processed_at, updated_at, cancelled_at, cancel_reason, closed_at,
        financial_status, fulfillment_status, currency, presentment_currency, taxes_included,
        duties_included, estimated_taxes, test, confirmed, source_name, app_id, po_number, note,
        tags, customer_locale, payment_gateway_names, subtotal_price, total_discounts,
        total_shipping, total_tax, total_duties, total_tip, total_price, current_subtotal_price,
        current_total_discounts, current_total_tax, current_total_price, total_outstanding,
        presentment_subtotal_price, presentment_total_discounts, presentment_total_shipping,
        presentment_total_tax, presentment_total_price, presentment_current_total_price,
        billing_address, shipping_address, attributes, tax_lines, shipping_lines,
        discount_applications, raw, source
    )
    SELECT
        tenant_id, shop_id, order_id, name, confirmation_number, email, phone, customer_id,
        created_at, processed_at, updated_at, cancelled_at, cancel_reason, closed_at,
        financial_status, fulfillment_status, currency, presentment_currency, taxes_included,
        duties_included, estimated_taxes, test, confirmed, source_name, app_id, po_number, note,
        tags, customer_locale, payment_gateway_names, subtotal_price, total_discounts,
        total_shipping, total_tax, total_duties, total_tip, total_price, current_subtotal_price,
        current_total_discounts, current_total_tax, current_total_price, total_outstanding,
        presentment_subtotal_price, presentment_total_discounts, presentment_total_shipping,
        presentment_total_tax, presentment_total_price, presentment_current_total_price,
        billing_address, shipping_address, attributes, tax_lines, shipping_lines,
        discount_applications, raw, source
    FROM staged_orders s
    WHERE (
        SELECT true FROM commerce.tombstones d
        WHERE d.tenant_id = s.tenant_id AND d.shop_id = s.shop_id
            AND d.kind = 'order' AND d.id = s.order_id
    ) IS NULL
    ON CONFLICT (tenant_id, shop_id, order_id) DO UPDATE SET
        name = excluded.name, confirmation_number = excluded.confirmation_number,
        email = excluded.email, phone = excluded.phone, customer_id = excluded.customer_id,
        created_at = excluded.created_at, processed_at = excluded.processed_at,
        updated_at = excluded.updated_at, cancelled_at = excluded.cancelled_at,
        cancel_reason = excluded.cancel_reason, closed_at = excluded.closed_at,
        financial_status = excluded.financial_status,
        fulfillment_status = excluded.fulfillment_status, currency = excluded.currency,
        presentment_currency = excluded.presentment_currency,
        taxes_included = excluded.taxes_included, duties_included = excluded.duties_included,
        estimated_taxes = excluded.estimated_taxes, test = excluded.test,
        confirmed = excluded.confirmed, source_name = excluded.source_name,
        app_id = excluded.app_id, po_number = excluded.po_number, note = excluded.note,
        tags = excluded.tags, customer_locale = excluded.customer_locale,
        payment_gateway_names = excluded.payment_gateway_names,
        subtotal_price = excluded.subtotal_price, total_discounts = excluded.total_discounts,
        total_shipping = excluded.total_shipping, total_tax = excluded.total_tax,
        total_duties = excluded.total_duties, total_tip = excluded.total_tip,
        total_price = excluded.total_price,
        current_subtotal_price = excluded.current_subtotal_price,
        current_total_discounts = excluded.current_total_discounts,
        current_total_tax = excluded.current_total_tax,
        current_total_price = excluded.current_total_price,
        total_outstanding = excluded.total_outstanding,
        presentment_subtotal_price = excluded.presentment_subtotal_price,
        presentment_total_discounts = excluded.presentment_total_discounts,
        presentment_total_shipping = excluded.presentment_total_shipping,
        presentment_total_tax = excluded.presentment_total_tax,
        presentment_total_price = excluded.presentment_total_price,
        presentment_current_total_price = excluded.presentment_current_total_price,
        billing_address = excluded.billing_address, shipping_address = excluded.shipping_address,
        attributes = excluded.attributes, tax_lines = excluded.tax_lines,
        shipping_lines = excluded.shipping_lines,
        discount_applications = excluded.discount_applications, raw = excluded.raw,
        source = excluded.source, synced_at = now(), deleted_at = NULL
    WHERE t.updated_at < excluded.updated_at OR t.updated_at = excluded.updated_at AND (
        excluded.source = 'refetch'
        OR array_position('{webhook,bulk,poll,refetch}'::text[], excluded.source)
            > array_position('{webhook,bulk,poll,refetch}'::text[], t.source)
        OR excluded.source = t.source AND t.source <> 'webhook' AND (
            t.name, t.confirmation_number, t.email, t.phone, t.customer_id, t.created_at,
            t.processed_at, t.cancelled_at, t.cancel_reason, t.closed_at, t.financial_status,
            t.fulfillment_status, t.currency, t.presentment_currency, t.taxes_included,
            t.duties_included, t.estimated_taxes, t.test, t.confirmed, t.source_name, t.app_id,
            t.po_number, t.note, t.tags, t.customer_locale, t.payment_gateway_names,
            t.subtotal_price, t.total_discounts, t.total_shipping, t.total_tax, t.total_duties,
            t.total_tip, t.total_price, t.current_subtotal_price, t.current_total_discounts,
            t.current_total_tax, t.current_total_price, t.total_outstanding,
            t.presentment_subtotal_price, t.presentment_total_discounts,
            t.presentment_total_shipping, t.presentment_total_tax, t.presentment_total_price,
            t.presentment_current_total_price, t.billing_address, t.shipping_address, t.attributes,
            t.tax_lines, t.shipping_lines, t.discount_applications
        ) IS DISTINCT FROM (
            excluded.name, excluded.confirmation_number, excluded.email, excluded.phone,
            excluded.customer_id, excluded.created_at, excluded.processed_at, excluded.cancelled_at,
            excluded.cancel_reason, excluded.closed_at, excluded.financial_status,
            excluded.fulfillment_status, excluded.currency, excluded.presentment_currency,
            excluded.taxes_included, excluded.duties_included, excluded.estimated_taxes,
            excluded.test, excluded.confirmed, excluded.source_name, excluded.app_id,
            excluded.po_number, excluded.note, excluded.tags, excluded.customer_locale,
            excluded.payment_gateway_names, excluded.subtotal_price, excluded.total_discounts,
            excluded.total_shipping, excluded.total_tax, excluded.total_duties, excluded.total_tip,
            excluded.total_price, excluded.current_subtotal_price, excluded.current_total_discounts,
            excluded.current_total_tax, excluded.current_total_price, excluded.total_outstanding,
            excluded.presentment_subtotal_price, excluded.presentment_total_discounts,
            excluded.presentment_total_shipping, excluded.presentment_total_tax,
            excluded.presentment_total_price, excluded.presentment_current_total_price,
            excluded.billing_address, excluded.shipping_address, excluded.attributes,
            excluded.tax_lines, excluded.shipping_lines, excluded.discount_applications
        )
    )
    RETURNING t.tenant_id, t.shop_id, t.order_id, t.xmax = 0 AS inserted
), marked AS (
    INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)
    SELECT tenant_id, shop_id, order_id FROM written
), kept AS (
    INSERT INTO accepted_orders
    SELECT w.tenant_id, w.shop_id, w.order_id, w.inserted, s.present
    FROM written w JOIN staged_orders s USING (tenant_id, shop_id, order_id)
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) AS accepted FROM written

-- name: refused
SELECT s.tenant_id::text AS tenant_id, s.shop_id, ARRAY[s.order_id] AS key,
    CASE
        WHEN t.tenant_id IS NULL OR t.deleted_at IS NOT NULL THEN 'deleted'
        WHEN t.updated_at > s.updated_at THEN 'stale'
        WHEN (
                s.name, s.confirmation_number, s.email, s.phone, s.customer_id, s.created_at,
                s.processed_at, s.cancelled_at, s.cancel_reason, s.closed_at, s.financial_status,
                s.fulfillment_status, s.currency, s.presentment_currency, s.taxes_included,
                s.duties_included, s.estimated_taxes, s.test, s.confirmed, s.source_name, s.app_id,
                s.po_number, s.note, s.tags, s.customer_locale, s.payment_gateway_names,
                s.subtotal_price, s.total_discounts, s.total_shipping, s.total_tax, s.total_duties,
                s.total_tip, s.total_price, s.current_subtotal_price, s.current_total_discounts,
                s.current_total_tax, s.current_total_price, s.total_outstanding,
                s.presentment_subtotal_price, s.presentment_total_discounts,
                s.presentment_total_shipping, s.presentment_total_tax, s.presentment_total_price,
                s.presentment_current_total_price, s.billing_address, s.shipping_address,
                s.attributes, s.tax_lines, s.shipping_lines, s.discount_applications
            ) IS NOT DISTINCT FROM (
                t.name, t.confirmation_number, t.email, t.phone, t.customer_id, t.created_at,
                t.processed_at, t.cancelled_at, t.cancel_reason, t.closed_at, t.financial_status,
                t.fulfillment_status, t.currency, t.presentment_currency, t.taxes_included,
                t.duties_included, t.estimated_taxes, t.test, t.confirmed, t.source_name, t.app_id,
                t.po_number, t.note, t.tags, t.customer_locale, t.payment_gateway_names,
                t.subtotal_price, t.total_discounts, t.total_shipping, t.total_tax, t.total_duties,
                t.total_tip, t.total_price, t.current_subtotal_price, t.current_total_discounts,
                t.current_total_tax, t.current_total_price, t.total_outstanding,
                t.presentment_subtotal_price, t.presentment_total_discounts,
                t.presentment_total_shipping, t.presentment_total_tax, t.presentment_total_price,
                t.presentment_current_total_price, t.billing_address, t.shipping_address,
                t.attributes, t.tax_lines, t.shipping_lines, t.discount_applications
            ) THEN 'equal'
        ELSE 'conflict'
    END AS verdict
FROM staged_orders s
LEFT JOIN commerce.orders t USING (tenant_id, shop_id, order_id)
WHERE NOT EXISTS (
    SELECT FROM accepted_orders a WHERE a.tenant_id = s.tenant_id AND a.shop_id = s.shop_id AND a.order_id = s.order_id
)

-- name: seen
-- A bulk export that changes nothing still proves that the object exists.
UPDATE commerce.orders t SET synced_at = now()
FROM staged_orders s
WHERE t.tenant_id = s.tenant_id AND t.shop_id = s.shop_id AND t.order_id = s.order_id
    AND s.source = 'bulk' AND t.synced_at < now()

-- name: delete
WITH gone AS (
    UPDATE commerce.orders t SET deleted_at = d.at
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[])
        AS d (tenant_id, shop_id, order_id, at)
    WHERE t.tenant_id = d.tenant_id AND t.shop_id = d.shop_id AND t.order_id = d.order_id
        AND (t.deleted_at IS NULL OR t.deleted_at > d.at)
    RETURNING t.tenant_id, t.shop_id, t.order_id
)
INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)
SELECT tenant_id, shop_id, order_id FROM gone

-- name: trim_order_lines
DELETE FROM commerce.order_lines t USING accepted_orders a
WHERE NOT a.inserted AND a.present & 1 <> 0
    AND t.tenant_id = a.tenant_id AND t.shop_id = a.shop_id AND t.order_id = a.order_id
    AND NOT EXISTS (
        SELECT FROM staged_order_lines s
        WHERE NOT s.extra AND s.tenant_id = t.tenant_id AND s.shop_id = t.shop_id AND s.order_id = t.order_id AND s.line_id = t.line_id
    )

-- name: fill_order_lines
INSERT INTO commerce.order_lines AS t (
    tenant_id, shop_id, order_id, line_id, position, product_id, variant_id, sku, title,
    variant_title, vendor, quantity, current_quantity, price, presentment_price, discount, tax,
    duty, gift_card, requires_shipping, taxable, attributes, tax_lines, discount_allocations, duties
)
SELECT
    tenant_id, shop_id, order_id, line_id, position, product_id, variant_id, sku, title,
    variant_title, vendor, quantity, current_quantity, price, presentment_price, discount, tax,
    duty, gift_card, requires_shipping, taxable, attributes, tax_lines, discount_allocations, duties
FROM staged_order_lines s
WHERE NOT s.extra AND EXISTS (
    SELECT FROM accepted_orders a WHERE a.tenant_id = s.tenant_id AND a.shop_id = s.shop_id AND a.order_id = s.order_id
)
ON CONFLICT (tenant_id, shop_id, order_id, line_id) DO UPDATE SET
    position = excluded.position, product_id = excluded.product_id,
    variant_id = excluded.variant_id, sku = excluded.sku, title = excluded.title,
    variant_title = excluded.variant_title, vendor = excluded.vendor, quantity = excluded.quantity,
    current_quantity = excluded.current_quantity, price = excluded.price,
    presentment_price = excluded.presentment_price, discount = excluded.discount,
    tax = excluded.tax, duty = excluded.duty, gift_card = excluded.gift_card,
    requires_shipping = excluded.requires_shipping, taxable = excluded.taxable,
    attributes = excluded.attributes, tax_lines = excluded.tax_lines,
    discount_allocations = excluded.discount_allocations, duties = excluded.duties
WHERE (
    t.position, t.product_id, t.variant_id, t.sku, t.title, t.variant_title, t.vendor, t.quantity,
    t.current_quantity, t.price, t.presentment_price, t.discount, t.tax, t.duty, t.gift_card,
    t.requires_shipping, t.taxable, t.attributes, t.tax_lines, t.discount_allocations, t.duties
) IS DISTINCT FROM (
    excluded.position, excluded.product_id, excluded.variant_id, excluded.sku, excluded.title,
    excluded.variant_title, excluded.vendor, excluded.quantity, excluded.current_quantity,
    excluded.price, excluded.presentment_price, excluded.discount, excluded.tax, excluded.duty,
    excluded.gift_card, excluded.requires_shipping, excluded.taxable, excluded.attributes,
    excluded.tax_lines, excluded.discount_allocations, excluded.duties
)

-- name: add_order_lines
WITH written AS (
    INSERT INTO commerce.order_lines AS t (
        tenant_id, shop_id, order_id, line_id, position, product_id, variant_id, sku, title,
        variant_title, vendor, quantity, current_quantity, price, presentment_price, discount, tax,
        duty, gift_card, requires_shipping, taxable, attributes, tax_lines, discount_allocations,
        duties
    )
    SELECT
        tenant_id, shop_id, order_id, line_id, position, product_id, variant_id, sku, title,
        variant_title, vendor, quantity, current_quantity, price, presentment_price, discount, tax,
        duty, gift_card, requires_shipping, taxable, attributes, tax_lines, discount_allocations,
        duties
    FROM staged_order_lines s WHERE s.extra
    ON CONFLICT (tenant_id, shop_id, order_id, line_id) DO UPDATE SET
        position = excluded.position, product_id = excluded.product_id,
        variant_id = excluded.variant_id, sku = excluded.sku, title = excluded.title,
        variant_title = excluded.variant_title, vendor = excluded.vendor, quantity = excluded.quantity,
        current_quantity = excluded.current_quantity, price = excluded.price,
        presentment_price = excluded.presentment_price, discount = excluded.discount,
        tax = excluded.tax, duty = excluded.duty, gift_card = excluded.gift_card,
        requires_shipping = excluded.requires_shipping, taxable = excluded.taxable,
        attributes = excluded.attributes, tax_lines = excluded.tax_lines,
        discount_allocations = excluded.discount_allocations, duties = excluded.duties
    WHERE (
        t.position, t.product_id, t.variant_id, t.sku, t.title, t.variant_title, t.vendor, t.quantity,
        t.current_quantity, t.price, t.presentment_price, t.discount, t.tax, t.duty, t.gift_card,
        t.requires_shipping, t.taxable, t.attributes, t.tax_lines, t.discount_allocations, t.duties
    ) IS DISTINCT FROM (
        excluded.position, excluded.product_id, excluded.variant_id, excluded.sku, excluded.title,
        excluded.variant_title, excluded.vendor, excluded.quantity, excluded.current_quantity,
        excluded.price, excluded.presentment_price, excluded.discount, excluded.tax, excluded.duty,
        excluded.gift_card, excluded.requires_shipping, excluded.taxable, excluded.attributes,
        excluded.tax_lines, excluded.discount_allocations, excluded.duties
    )
    RETURNING t.tenant_id, t.shop_id, t.order_id, t.xmax = 0 AS inserted
), marked AS (
    INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)
    SELECT DISTINCT tenant_id, shop_id, order_id FROM written
)
SELECT DISTINCT tenant_id::text AS tenant_id, shop_id, order_id AS id FROM written WHERE NOT inserted

-- name: trim_refunds
DELETE FROM commerce.refunds t USING accepted_orders a
WHERE NOT a.inserted AND a.present & 2 <> 0
    AND t.tenant_id = a.tenant_id AND t.shop_id = a.shop_id AND t.order_id = a.order_id
    AND NOT EXISTS (
        SELECT FROM staged_refunds s
        WHERE NOT s.extra AND s.tenant_id = t.tenant_id AND s.shop_id = t.shop_id AND s.order_id = t.order_id AND s.refund_id = t.refund_id
    )

-- name: fill_refunds
INSERT INTO commerce.refunds AS t (
    tenant_id, shop_id, order_id, refund_id, created_at, processed_at, note, total_refunded,
    adjustments, shipping, duties
)
SELECT
    tenant_id, shop_id, order_id, refund_id, created_at, processed_at, note, total_refunded,
    adjustments, shipping, duties
FROM staged_refunds s
WHERE NOT s.extra AND EXISTS (
    SELECT FROM accepted_orders a WHERE a.tenant_id = s.tenant_id AND a.shop_id = s.shop_id AND a.order_id = s.order_id
)
ON CONFLICT (tenant_id, shop_id, order_id, refund_id) DO UPDATE SET
    created_at = excluded.created_at, processed_at = excluded.processed_at, note = excluded.note,
    total_refunded = excluded.total_refunded, adjustments = excluded.adjustments,
    shipping = excluded.shipping, duties = excluded.duties
WHERE (
    t.created_at, t.processed_at, t.note, t.total_refunded, t.adjustments, t.shipping, t.duties
) IS DISTINCT FROM (
    excluded.created_at, excluded.processed_at, excluded.note, excluded.total_refunded,
    excluded.adjustments, excluded.shipping, excluded.duties
)

-- name: add_refunds
WITH written AS (
    INSERT INTO commerce.refunds AS t (
        tenant_id, shop_id, order_id, refund_id, created_at, processed_at, note, total_refunded,
        adjustments, shipping, duties
    )
    SELECT
        tenant_id, shop_id, order_id, refund_id, created_at, processed_at, note, total_refunded,
        adjustments, shipping, duties
    FROM staged_refunds s WHERE s.extra
    ON CONFLICT (tenant_id, shop_id, order_id, refund_id) DO UPDATE SET
        created_at = excluded.created_at, processed_at = excluded.processed_at, note = excluded.note,
        total_refunded = excluded.total_refunded, adjustments = excluded.adjustments,
        shipping = excluded.shipping, duties = excluded.duties
    WHERE (
        t.created_at, t.processed_at, t.note, t.total_refunded, t.adjustments, t.shipping, t.duties
    ) IS DISTINCT FROM (
        excluded.created_at, excluded.processed_at, excluded.note, excluded.total_refunded,
        excluded.adjustments, excluded.shipping, excluded.duties
    )
    RETURNING t.tenant_id, t.shop_id, t.order_id, t.xmax = 0 AS inserted
), marked AS (
    INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)
    SELECT DISTINCT tenant_id, shop_id, order_id FROM written
)
SELECT DISTINCT tenant_id::text AS tenant_id, shop_id, order_id AS id FROM written WHERE NOT inserted

-- name: trim_refund_lines
DELETE FROM commerce.refund_lines t USING accepted_orders a
WHERE NOT a.inserted AND a.present & 4 <> 0
    AND t.tenant_id = a.tenant_id AND t.shop_id = a.shop_id AND t.order_id = a.order_id
    AND NOT EXISTS (
        SELECT FROM staged_refund_lines s
        WHERE NOT s.extra AND s.tenant_id = t.tenant_id AND s.shop_id = t.shop_id AND s.order_id = t.order_id AND s.refund_id = t.refund_id AND s.refund_line_id = t.refund_line_id
    )

-- name: fill_refund_lines
INSERT INTO commerce.refund_lines AS t (
    tenant_id, shop_id, order_id, refund_id, refund_line_id, line_id, quantity, restock_type,
    location_id, subtotal, total_tax, presentment_subtotal, presentment_total_tax
)
SELECT
    tenant_id, shop_id, order_id, refund_id, refund_line_id, line_id, quantity, restock_type,
    location_id, subtotal, total_tax, presentment_subtotal, presentment_total_tax
FROM staged_refund_lines s
WHERE NOT s.extra AND EXISTS (
    SELECT FROM accepted_orders a WHERE a.tenant_id = s.tenant_id AND a.shop_id = s.shop_id AND a.order_id = s.order_id
)
ON CONFLICT (tenant_id, shop_id, order_id, refund_id, refund_line_id) DO UPDATE SET
    line_id = excluded.line_id, quantity = excluded.quantity, restock_type = excluded.restock_type,
    location_id = excluded.location_id, subtotal = excluded.subtotal,
    total_tax = excluded.total_tax, presentment_subtotal = excluded.presentment_subtotal,
    presentment_total_tax = excluded.presentment_total_tax
WHERE (
    t.line_id, t.quantity, t.restock_type, t.location_id, t.subtotal, t.total_tax,
    t.presentment_subtotal, t.presentment_total_tax
) IS DISTINCT FROM (
    excluded.line_id, excluded.quantity, excluded.restock_type, excluded.location_id,
    excluded.subtotal, excluded.total_tax, excluded.presentment_subtotal,
    excluded.presentment_total_tax
)

-- name: add_refund_lines
WITH written AS (
    INSERT INTO commerce.refund_lines AS t (
        tenant_id, shop_id, order_id, refund_id, refund_line_id, line_id, quantity, restock_type,
        location_id, subtotal, total_tax, presentment_subtotal, presentment_total_tax
    )
    SELECT
        tenant_id, shop_id, order_id, refund_id, refund_line_id, line_id, quantity, restock_type,
        location_id, subtotal, total_tax, presentment_subtotal, presentment_total_tax
    FROM staged_refund_lines s WHERE s.extra
    ON CONFLICT (tenant_id, shop_id, order_id, refund_id, refund_line_id) DO UPDATE SET
        line_id = excluded.line_id, quantity = excluded.quantity, restock_type = excluded.restock_type,
        location_id = excluded.location_id, subtotal = excluded.subtotal,
        total_tax = excluded.total_tax, presentment_subtotal = excluded.presentment_subtotal,
        presentment_total_tax = excluded.presentment_total_tax
    WHERE (
        t.line_id, t.quantity, t.restock_type, t.location_id, t.subtotal, t.total_tax,
        t.presentment_subtotal, t.presentment_total_tax
    ) IS DISTINCT FROM (
        excluded.line_id, excluded.quantity, excluded.restock_type, excluded.location_id,
        excluded.subtotal, excluded.total_tax, excluded.presentment_subtotal,
        excluded.presentment_total_tax
    )
    RETURNING t.tenant_id, t.shop_id, t.order_id, t.xmax = 0 AS inserted
), marked AS (
    INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)
    SELECT DISTINCT tenant_id, shop_id, order_id FROM written
)
SELECT DISTINCT tenant_id::text AS tenant_id, shop_id, order_id AS id FROM written WHERE NOT inserted

-- name: trim_transactions
DELETE FROM commerce.transactions t USING accepted_orders a
WHERE NOT a.inserted AND a.present & 8 <> 0
    AND t.tenant_id = a.tenant_id AND t.shop_id = a.shop_id AND t.order_id = a.order_id
    AND NOT EXISTS (
        SELECT FROM staged_transactions s
        WHERE NOT s.extra AND s.tenant_id = t.tenant_id AND s.shop_id = t.shop_id AND s.order_id = t.order_id AND s.transaction_id = t.transaction_id
    )

-- name: fill_transactions
INSERT INTO commerce.transactions AS t (
    tenant_id, shop_id, order_id, transaction_id, parent_id, kind, status, gateway, amount,
    currency, error_code, test, created_at, processed_at
)
SELECT
    tenant_id, shop_id, order_id, transaction_id, parent_id, kind, status, gateway, amount,
    currency, error_code, test, created_at, processed_at
FROM staged_transactions s
WHERE NOT s.extra AND EXISTS (
    SELECT FROM accepted_orders a WHERE a.tenant_id = s.tenant_id AND a.shop_id = s.shop_id AND a.order_id = s.order_id
)
ON CONFLICT (tenant_id, shop_id, order_id, transaction_id) DO UPDATE SET
    parent_id = excluded.parent_id, kind = excluded.kind, status = excluded.status,
    gateway = excluded.gateway, amount = excluded.amount, currency = excluded.currency,
    error_code = excluded.error_code, test = excluded.test, created_at = excluded.created_at,
    processed_at = excluded.processed_at
WHERE (
    t.parent_id, t.kind, t.status, t.gateway, t.amount, t.currency, t.error_code, t.test,
    t.created_at, t.processed_at
) IS DISTINCT FROM (
    excluded.parent_id, excluded.kind, excluded.status, excluded.gateway, excluded.amount,
    excluded.currency, excluded.error_code, excluded.test, excluded.created_at,
    excluded.processed_at
)

-- name: add_transactions
WITH written AS (
    INSERT INTO commerce.transactions AS t (
        tenant_id, shop_id, order_id, transaction_id, parent_id, kind, status, gateway, amount,
        currency, error_code, test, created_at, processed_at
    )
    SELECT
        tenant_id, shop_id, order_id, transaction_id, parent_id, kind, status, gateway, amount,
        currency, error_code, test, created_at, processed_at
    FROM staged_transactions s WHERE s.extra
    ON CONFLICT (tenant_id, shop_id, order_id, transaction_id) DO UPDATE SET
        parent_id = excluded.parent_id, kind = excluded.kind, status = excluded.status,
        gateway = excluded.gateway, amount = excluded.amount, currency = excluded.currency,
        error_code = excluded.error_code, test = excluded.test, created_at = excluded.created_at,
        processed_at = excluded.processed_at
    WHERE (
        t.parent_id, t.kind, t.status, t.gateway, t.amount, t.currency, t.error_code, t.test,
        t.created_at, t.processed_at
    ) IS DISTINCT FROM (
        excluded.parent_id, excluded.kind, excluded.status, excluded.gateway, excluded.amount,
        excluded.currency, excluded.error_code, excluded.test, excluded.created_at,
        excluded.processed_at
    )
    RETURNING t.tenant_id, t.shop_id, t.order_id, t.xmax = 0 AS inserted
), marked AS (
    INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)
    SELECT DISTINCT tenant_id, shop_id, order_id FROM written
)
SELECT DISTINCT tenant_id::text AS tenant_id, shop_id, order_id AS id FROM written WHERE NOT inserted

-- name: trim_fulfillments
DELETE FROM commerce.fulfillments t USING accepted_orders a
WHERE NOT a.inserted AND a.present & 16 <> 0
    AND t.tenant_id = a.tenant_id AND t.shop_id = a.shop_id AND t.order_id = a.order_id
    AND NOT EXISTS (
        SELECT FROM staged_fulfillments s
        WHERE NOT s.extra AND s.tenant_id = t.tenant_id AND s.shop_id = t.shop_id AND s.order_id = t.order_id AND s.fulfillment_id = t.fulfillment_id
    )

-- name: fill_fulfillments
INSERT INTO commerce.fulfillments AS t (
    tenant_id, shop_id, order_id, fulfillment_id, name, status, location_id, total_quantity,
    tracking, created_at, updated_at
)
SELECT
    tenant_id, shop_id, order_id, fulfillment_id, name, status, location_id, total_quantity,
    tracking, created_at, updated_at
FROM staged_fulfillments s
WHERE NOT s.extra AND EXISTS (
    SELECT FROM accepted_orders a WHERE a.tenant_id = s.tenant_id AND a.shop_id = s.shop_id AND a.order_id = s.order_id
)
ON CONFLICT (tenant_id, shop_id, order_id, fulfillment_id) DO UPDATE SET
    name = excluded.name, status = excluded.status, location_id = excluded.location_id,
    total_quantity = excluded.total_quantity, tracking = excluded.tracking,
    created_at = excluded.created_at, updated_at = excluded.updated_at
WHERE (
    t.name, t.status, t.location_id, t.total_quantity, t.tracking, t.created_at, t.updated_at
) IS DISTINCT FROM (
    excluded.name, excluded.status, excluded.location_id, excluded.total_quantity,
    excluded.tracking, excluded.created_at, excluded.updated_at
)

-- name: add_fulfillments
WITH written AS (
    INSERT INTO commerce.fulfillments AS t (
        tenant_id, shop_id, order_id, fulfillment_id, name, status, location_id, total_quantity,
        tracking, created_at, updated_at
    )
    SELECT
        tenant_id, shop_id, order_id, fulfillment_id, name, status, location_id, total_quantity,
        tracking, created_at, updated_at
    FROM staged_fulfillments s WHERE s.extra
    ON CONFLICT (tenant_id, shop_id, order_id, fulfillment_id) DO UPDATE SET
        name = excluded.name, status = excluded.status, location_id = excluded.location_id,
        total_quantity = excluded.total_quantity, tracking = excluded.tracking,
        created_at = excluded.created_at, updated_at = excluded.updated_at
    WHERE (
        t.name, t.status, t.location_id, t.total_quantity, t.tracking, t.created_at, t.updated_at
    ) IS DISTINCT FROM (
        excluded.name, excluded.status, excluded.location_id, excluded.total_quantity,
        excluded.tracking, excluded.created_at, excluded.updated_at
    )
    RETURNING t.tenant_id, t.shop_id, t.order_id, t.xmax = 0 AS inserted
), marked AS (
    INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)
    SELECT DISTINCT tenant_id, shop_id, order_id FROM written
)
SELECT DISTINCT tenant_id::text AS tenant_id, shop_id, order_id AS id FROM written WHERE NOT inserted
