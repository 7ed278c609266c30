-- What tables and columns mean. docs/data-model.md is made of it. A column that is named alike in many
-- tables is said once, with an empty owner; a row that names its table says more.

COMMENT ON TABLE analytics.order_marks IS 'Orders whose contributions must be computed anew.';
COMMENT ON TABLE analytics.contributions IS 'The ledger: what each part of an order contributes to sales; amounts in currency, without tax.';
COMMENT ON TABLE analytics.daily_sales IS 'Sales by day and currency; the sum of the contributions.';
COMMENT ON TABLE analytics.shops IS 'What analytics must know of a shop.';
COMMENT ON TABLE analytics.reconciliations IS 'Proofs of daily_sales against a full recompute.';

DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.relname AS named, a.attname AS part, m.meaning
        FROM (VALUES
            ('', 'tenant_id', 'owner of the row; row level security compares it with the session'),
            ('', 'shop_id', 'store, our own number'),
            ('', 'order_id', 'order'),
            ('', 'currency', 'ISO 4217 code'),
            ('', 'orders', 'orders counted'),
            ('', 'units', 'units sold less returned'),
            ('', 'gross_sales', 'price times quantity, before discounts and tax'),
            ('', 'discounts', 'discounts, positive and subtracted'),
            ('', 'gross_reversals', 'gross sales taken back, positive and subtracted'),
            ('', 'discount_reversals', 'discounts of what was taken back, positive'),
            ('', 'sales_reversals', 'gross_reversals less discount_reversals, with adjustments; positive and subtracted'),
            ('', 'net_sales', 'gross sales less discounts and reversals'),
            ('', 'shipping', 'shipping after its discounts'),
            ('', 'taxes', 'taxes'),
            ('', 'duties', 'duties'),
            ('', 'additional_fees', 'additional fees'),
            ('', 'total_sales', 'net sales with shipping, taxes, duties and fees'),
            ('', 'gift_card_sales', 'gift cards sold; no revenue'),
            ('', 'tips', 'tips'),
            ('', 'adjustments', 'differences between goods and money of refunds'),
            ('', 'started_at', 'when it began'),
            ('', 'finished_at', 'when it ended; null before'),
            ('', 'updated_at', 'when it was computed'),
            ('order_marks', 'mark_id', 'order of arrival'),
            ('order_marks', 'marked_at', 'when'),
            ('contributions', 'kind', 'order, sale, gift_card, refund, adjustment, shipping_reversal, duty_reversal, removal or cancellation'),
            ('contributions', 'line_id', 'line item; null for what is no line'),
            ('contributions', 'product_id', 'null where unknown'),
            ('contributions', 'variant_id', 'null where unknown'),
            ('contributions', 'ckey', 'what tells contributions of one order apart'),
            ('contributions', 'event_day', 'day in the shop''s time zone on which it counts'),
            ('contributions', 'order_day', 'day in the shop''s time zone on which the order was placed'),
            ('contributions', 'happened_at', 'when it happened'),
            ('contributions', 'row_hash', 'digest of the row, for the proof'),
            ('daily_sales', 'day', 'day in the shop''s time zone'),
            ('daily_sales', 'basis', 'event (each part on its own day) or order (all on the day of the order)'),
            ('daily_sales', 'n', 'contributions in the sum'),
            ('daily_sales', 'checksum', 'sum of their digests'),
            ('shops', 'timezone', 'time zone in which its days were computed'),
            ('reconciliations', 'run_id', 'run'),
            ('reconciliations', 'contributions', 'how many were compared'),
            ('reconciliations', 'orders', 'how many were compared'),
            ('reconciliations', 'differences', 'how many differed'),
            ('reconciliations', 'repaired', 'whether what differed was computed again'),
            ('reconciliations', 'pending', 'orders that were marked meanwhile'),
            ('reconciliations', 'sample', 'some of what differed')
        ) AS m (owner, part, meaning)
        JOIN pg_attribute a ON a.attname = m.part AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'analytics'
        WHERE m.owner IN ('', c.relname) AND (m.owner <> '' OR col_description(c.oid, a.attnum) IS NULL)
        ORDER BY m.owner
    LOOP
        EXECUTE format('COMMENT ON COLUMN analytics.%I.%I IS %L', found.named, found.part, found.meaning);
    END LOOP;
END
$$;
