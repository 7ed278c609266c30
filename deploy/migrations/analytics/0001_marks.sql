-- The inbox of analytics: the syncer adds a mark in the transaction that changes an order; only
-- analytics reads and removes marks. A mark carries no value, the order's rows do.
CREATE TABLE analytics.order_marks (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    mark_id bigint GENERATED ALWAYS AS IDENTITY,
    marked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, shop_id, mark_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);

CALL accounts.protect('analytics.order_marks', 'tillstream_analytics');
GRANT INSERT ON analytics.order_marks TO tillstream_syncer;
GRANT SELECT ON analytics.order_marks TO tillstream_gateway;
