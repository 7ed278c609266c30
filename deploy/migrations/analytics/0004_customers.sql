-- Whose orders count, for new and returning customers; which ledgers of Shopify do not add up; and by
-- which rules a shop's numbers were computed, so that new rules compute them anew.
ALTER TABLE analytics.contributions DROP CONSTRAINT contributions_kind_check;
ALTER TABLE analytics.contributions ADD CONSTRAINT contributions_kind_check CHECK (kind IN (
    'order', 'charge', 'sale', 'gift_card', 'refund', 'adjustment', 'shipping_reversal',
    'duty_reversal', 'removal', 'cancellation'
));

-- Not part of n and checksum: these follow from customer_orders, not from contributions.
ALTER TABLE analytics.daily_sales
    ADD COLUMN new_customers bigint NOT NULL DEFAULT 0,
    ADD COLUMN returning_customers bigint NOT NULL DEFAULT 0;

ALTER TABLE analytics.shops ADD COLUMN rules integer NOT NULL DEFAULT 1;

-- Orders that count, of customers that are known. The first of a customer makes it new that day.
CREATE TABLE analytics.customer_orders (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    processed_at timestamptz NOT NULL,
    day date NOT NULL,
    currency char(3) NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, order_id)
);
CREATE INDEX customer_orders_customer
    ON analytics.customer_orders (tenant_id, shop_id, customer_id);

-- Orders whose agreements are synced but do not add up to the order: their own rows are followed.
CREATE TABLE analytics.ledger_gaps (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    reason text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, shop_id, order_id)
);

DO $$
DECLARE
    protected text;
BEGIN
    FOREACH protected IN ARRAY ARRAY['customer_orders', 'ledger_gaps'] LOOP
        CALL accounts.protect(('analytics.' || protected)::regclass, 'tillstream_analytics');
        EXECUTE format('GRANT SELECT ON analytics.%I TO tillstream_gateway', protected);
    END LOOP;
END
$$;

COMMENT ON COLUMN analytics.contributions.kind IS 'order, charge, sale, gift_card, refund, adjustment, shipping_reversal, duty_reversal, removal or cancellation';
COMMENT ON COLUMN analytics.daily_sales.new_customers IS 'customers whose first order was placed that day; adds up over days';
COMMENT ON COLUMN analytics.daily_sales.returning_customers IS 'customers with an order that day that is not their first; a customer counts once a day, so days do not add up';
COMMENT ON COLUMN analytics.shops.rules IS 'number of the rules by which its ledger was computed';
COMMENT ON TABLE analytics.customer_orders IS 'Orders that make their customers new or returning.';
COMMENT ON COLUMN analytics.customer_orders.tenant_id IS 'owner of the row; row level security compares it with the session';
COMMENT ON COLUMN analytics.customer_orders.shop_id IS 'store, our own number';
COMMENT ON COLUMN analytics.customer_orders.order_id IS 'order';
COMMENT ON COLUMN analytics.customer_orders.customer_id IS 'customer, after all merges';
COMMENT ON COLUMN analytics.customer_orders.processed_at IS 'when it was placed';
COMMENT ON COLUMN analytics.customer_orders.day IS 'day in the shop''s time zone';
COMMENT ON COLUMN analytics.customer_orders.currency IS 'ISO 4217 code';
COMMENT ON TABLE analytics.ledger_gaps IS 'Orders whose agreements do not add up to them, so that their own rows say what happened when.';
COMMENT ON COLUMN analytics.ledger_gaps.tenant_id IS 'owner of the row; row level security compares it with the session';
COMMENT ON COLUMN analytics.ledger_gaps.shop_id IS 'store, our own number';
COMMENT ON COLUMN analytics.ledger_gaps.order_id IS 'order';
COMMENT ON COLUMN analytics.ledger_gaps.reason IS 'what differs, by agreements and by the order';
COMMENT ON COLUMN analytics.ledger_gaps.found_at IS 'since when';
