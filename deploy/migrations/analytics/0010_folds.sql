-- When marks became numbers: a row for each batch, so that the way of a delivery ends where it is
-- counted. Forgotten with the bodies, after two weeks.
CREATE TABLE analytics.folds (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    fold_id bigint GENERATED ALWAYS AS IDENTITY,
    folded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    order_ids bigint[] NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, fold_id)
);
CREATE INDEX folds_at ON analytics.folds (shop_id, folded_at);
CALL accounts.protect('analytics.folds', 'tillstream_analytics');
GRANT SELECT ON analytics.folds TO tillstream_gateway, tillstream_syncer;

COMMENT ON TABLE analytics.folds IS 'Batches of marks that became numbers, for the trace of a delivery.';
COMMENT ON COLUMN analytics.folds.tenant_id IS 'owner of the row; row level security compares it with the session';
COMMENT ON COLUMN analytics.folds.shop_id IS 'store, our own number';
COMMENT ON COLUMN analytics.folds.fold_id IS 'batch';
COMMENT ON COLUMN analytics.folds.folded_at IS 'when its numbers were about to be committed';
COMMENT ON COLUMN analytics.folds.order_ids IS 'orders counted in it';

-- The way of a delivery, step by step; it ends in the rollup only where an order changed. A step
-- without a time is still to come.
CREATE VIEW analytics.delivery_steps WITH (security_invoker = true) AS
SELECT e.tenant_id, e.shop_id, e.webhook_id, e.topic, s.place, s.step, s.at,
    round(1000 * extract(epoch FROM s.at - lag(s.at) OVER (
        PARTITION BY e.tenant_id, e.shop_id, e.webhook_id, e.topic ORDER BY s.place
    )), 1) AS milliseconds, s.detail
FROM commerce.webhook_events e
CROSS JOIN LATERAL (
    SELECT e.outcome ~ '\m(order|order_details|transactions):[0-9]+:(inserted|updated|removed|added)'
        AS counts
) AS o
LEFT JOIN LATERAL (
    SELECT f.folded_at FROM analytics.folds f
    WHERE o.counts AND f.tenant_id = e.tenant_id AND f.shop_id = e.shop_id
        AND f.folded_at >= e.processed_at AND f.order_ids @> ARRAY[e.resource_id]
    ORDER BY f.folded_at LIMIT 1
) AS f ON true
CROSS JOIN LATERAL (VALUES
    (1, 'triggered', e.triggered_at, 'at Shopify'),
    (2, 'received', e.received_at, NULL),
    (3, 'handed to the bus', e.handed_at, CASE WHEN e.spooled THEN 'from the spool' END),
    (4, 'taken', e.taken_at, CASE WHEN e.attempts > 1 THEN format('attempt %s', e.attempts) END),
    (CASE WHEN e.replayed_at <= e.processed_at THEN 5 ELSE 9 END, 'replayed', e.replayed_at,
        CASE WHEN e.replays > 1 THEN format('%s times', e.replays) END),
    (6, 'committed', e.processed_at, concat_ws(': ', e.state, COALESCE(e.error, e.outcome))),
    (7, 'marked', CASE WHEN o.counts THEN e.processed_at END, NULL),
    (8, 'folded into the rollup', f.folded_at, NULL)
) AS s (place, step, at, detail)
WHERE s.at IS NOT NULL OR s.place = 8 AND o.counts;
GRANT SELECT ON analytics.delivery_steps TO tillstream_gateway, tillstream_syncer;
