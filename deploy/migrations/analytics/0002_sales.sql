-- The ledger: one row per part of an order. Amounts are in the order's shop currency, tax-exclusive;
-- reversals are positive and subtracted. row_hash proves a row; its sum proves a bucket.
CREATE TABLE analytics.contributions (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    ckey text NOT NULL,
    kind text NOT NULL CHECK (kind IN (
        'order', 'sale', 'gift_card', 'refund', 'adjustment', 'shipping_reversal', 'duty_reversal',
        'removal', 'cancellation'
    )),
    happened_at timestamptz NOT NULL,
    event_day date NOT NULL,
    order_day date NOT NULL,
    currency char(3) NOT NULL,
    line_id bigint,
    product_id bigint,
    variant_id bigint,
    orders integer NOT NULL,
    units integer NOT NULL,
    gross_sales numeric(18, 4) NOT NULL,
    discounts numeric(18, 4) NOT NULL,
    gross_reversals numeric(18, 4) NOT NULL,
    discount_reversals numeric(18, 4) NOT NULL,
    adjustments numeric(18, 4) NOT NULL,
    shipping numeric(18, 4) NOT NULL,
    taxes numeric(18, 4) NOT NULL,
    duties numeric(18, 4) NOT NULL,
    additional_fees numeric(18, 4) NOT NULL,
    tips numeric(18, 4) NOT NULL,
    gift_card_sales numeric(18, 4) NOT NULL,
    row_hash bigint NOT NULL GENERATED ALWAYS AS (hash_record_extended(ROW(
        order_id, ckey, kind, happened_at, event_day, order_day, currency, line_id, product_id,
        variant_id, orders, units, gross_sales, discounts, gross_reversals, discount_reversals,
        adjustments, shipping, taxes, duties, additional_fees, tips, gift_card_sales
    ), 0)) STORED,
    PRIMARY KEY (tenant_id, shop_id, order_id, ckey)
);

-- basis: event (each part on its own day, as Shopify's reports) | order (all on the order's day).
-- n contributions and the sum of their hashes prove a bucket equal to the ledger.
CREATE TABLE analytics.daily_sales (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    basis text NOT NULL CHECK (basis IN ('event', 'order')),
    day date NOT NULL,
    currency char(3) NOT NULL,
    orders bigint NOT NULL,
    units bigint NOT NULL,
    gross_sales numeric(24, 4) NOT NULL,
    discounts numeric(24, 4) NOT NULL,
    gross_reversals numeric(24, 4) NOT NULL,
    discount_reversals numeric(24, 4) NOT NULL,
    adjustments numeric(24, 4) NOT NULL,
    shipping numeric(24, 4) NOT NULL,
    taxes numeric(24, 4) NOT NULL,
    duties numeric(24, 4) NOT NULL,
    additional_fees numeric(24, 4) NOT NULL,
    tips numeric(24, 4) NOT NULL,
    gift_card_sales numeric(24, 4) NOT NULL,
    sales_reversals numeric(24, 4) NOT NULL GENERATED ALWAYS AS (
        gross_reversals - discount_reversals + adjustments
    ) STORED,
    net_sales numeric(24, 4) NOT NULL GENERATED ALWAYS AS (
        gross_sales - discounts - (gross_reversals - discount_reversals + adjustments)
    ) STORED,
    total_sales numeric(24, 4) NOT NULL GENERATED ALWAYS AS (
        gross_sales - discounts - (gross_reversals - discount_reversals + adjustments)
        + shipping + duties + additional_fees + taxes
    ) STORED,
    n bigint NOT NULL,
    checksum numeric NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, basis, day, currency)
) WITH (fillfactor = 50);

-- What the ledger was computed with; a difference to commerce.shops means: compute again.
CREATE TABLE analytics.shops (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    timezone text NOT NULL,
    currency char(3),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, shop_id)
);

-- Each run of the oracle: the orders it recomputed and what differed.
CREATE TABLE analytics.reconciliations (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    run_id uuid NOT NULL DEFAULT gen_random_uuid(),
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(),
    orders bigint NOT NULL,
    contributions bigint NOT NULL,
    pending bigint NOT NULL,
    differences bigint NOT NULL,
    sample text[] NOT NULL,
    repaired boolean NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, run_id)
);

DO $$
DECLARE
    protected text;
BEGIN
    FOREACH protected IN ARRAY ARRAY['contributions', 'daily_sales', 'shops', 'reconciliations'] LOOP
        CALL accounts.protect(('analytics.' || protected)::regclass, 'tillstream_analytics');
        EXECUTE format('GRANT SELECT ON analytics.%I TO tillstream_gateway', protected);
    END LOOP;
END
$$;
