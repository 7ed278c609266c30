-- What Shopify lets us read of a shop, resource by resource, and why not.
-- state: available | missing_scope | protected | not_on_plan | failing
CREATE TABLE commerce.capabilities (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    resource text NOT NULL,
    state text NOT NULL
        CHECK (state IN ('available', 'missing_scope', 'protected', 'not_on_plan', 'failing')),
    reason text,
    missing_scopes text[] NOT NULL DEFAULT '{}',
    -- Shopify shows nothing that is older; null: it shows everything.
    complete_since timestamptz,
    checked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, shop_id, resource)
);
CALL accounts.protect('commerce.capabilities', 'tillstream_syncer');
GRANT SELECT ON commerce.capabilities TO tillstream_gateway;

-- What we hold of each resource. oldest and newest are Shopify's times of creation, or of the last
-- change where it tells no other. lag: how far the polls are behind.
CREATE VIEW commerce.coverage WITH (security_invoker = true) AS
WITH held AS (
    SELECT tenant_id, shop_id, 'orders' AS resource, min(created_at) AS oldest,
        max(created_at) AS newest, count(*) AS rows
    FROM commerce.orders WHERE deleted_at IS NULL GROUP BY tenant_id, shop_id
    UNION ALL
    SELECT tenant_id, shop_id, 'order_details', min(updated_at), max(updated_at), count(*)
    FROM commerce.order_details WHERE deleted_at IS NULL GROUP BY tenant_id, shop_id
    UNION ALL
    SELECT tenant_id, shop_id, 'products', min(created_at), max(created_at), count(*)
    FROM commerce.products WHERE deleted_at IS NULL GROUP BY tenant_id, shop_id
    UNION ALL
    SELECT tenant_id, shop_id, 'customers', min(created_at), max(created_at), count(*)
    FROM commerce.customers WHERE deleted_at IS NULL GROUP BY tenant_id, shop_id
    UNION ALL
    SELECT tenant_id, shop_id, 'inventory', min(created_at), max(created_at), count(*)
    FROM commerce.inventory_items WHERE deleted_at IS NULL GROUP BY tenant_id, shop_id
    UNION ALL
    SELECT tenant_id, shop_id, 'fulfillment_orders', min(created_at), max(created_at), count(*)
    FROM commerce.fulfillment_orders WHERE deleted_at IS NULL GROUP BY tenant_id, shop_id
    UNION ALL
    SELECT tenant_id, shop_id, 'draft_orders', min(created_at), max(created_at), count(*)
    FROM commerce.draft_orders WHERE deleted_at IS NULL GROUP BY tenant_id, shop_id
    UNION ALL
    SELECT tenant_id, shop_id, 'abandoned_checkouts', min(created_at), max(created_at), count(*)
    FROM commerce.abandoned_checkouts WHERE deleted_at IS NULL GROUP BY tenant_id, shop_id
    UNION ALL
    SELECT tenant_id, shop_id, 'collections', min(updated_at), max(updated_at), count(*)
    FROM commerce.collections WHERE deleted_at IS NULL GROUP BY tenant_id, shop_id
    UNION ALL
    SELECT tenant_id, shop_id, 'discounts', min(created_at), max(created_at), count(*)
    FROM commerce.discounts WHERE deleted_at IS NULL GROUP BY tenant_id, shop_id
    UNION ALL
    SELECT tenant_id, shop_id, 'gift_cards', min(created_at), max(created_at), count(*)
    FROM commerce.gift_cards WHERE deleted_at IS NULL GROUP BY tenant_id, shop_id
    UNION ALL
    SELECT tenant_id, shop_id, 'payouts', min(issued_at), max(issued_at), count(*)
    FROM commerce.payouts WHERE deleted_at IS NULL GROUP BY tenant_id, shop_id
    UNION ALL
    SELECT tenant_id, shop_id, 'disputes', min(initiated_at), max(initiated_at), count(*)
    FROM commerce.disputes WHERE deleted_at IS NULL GROUP BY tenant_id, shop_id
    UNION ALL
    SELECT tenant_id, shop_id, 'balance_transactions', min(transaction_date),
        max(transaction_date), count(*)
    FROM commerce.balance_transactions WHERE deleted_at IS NULL GROUP BY tenant_id, shop_id
)
SELECT tenant_id, shop_id, resource, h.oldest, h.newest, COALESCE(h.rows, 0) AS rows,
    c.complete_since, s.cursor_updated_at AS cursor, now() - s.cursor_updated_at AS lag,
    c.state, c.reason
FROM commerce.capabilities c
LEFT JOIN held h USING (tenant_id, shop_id, resource)
LEFT JOIN (
    SELECT tenant_id, shop_id, kind AS resource, cursor_updated_at FROM commerce.sync_state
) AS s USING (tenant_id, shop_id, resource);
GRANT SELECT ON commerce.coverage TO tillstream_syncer, tillstream_gateway;

-- skipped: Shopify does not let us read that resource; commerce.capabilities says why.
ALTER TABLE commerce.sync_jobs DROP CONSTRAINT sync_jobs_status_check;
ALTER TABLE commerce.sync_jobs ADD CONSTRAINT sync_jobs_status_check
    CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'skipped'));

-- The scheduler waits an hour after either end of a full sync.
DROP INDEX commerce.sync_jobs_failed;
CREATE INDEX sync_jobs_failed ON commerce.sync_jobs (tenant_id, shop_id, kind, finished_at)
    WHERE mode = 'full' AND status IN ('failed', 'skipped');

-- What may wait for live changes: a backfill's refunds, and what merely follows another object.
DROP INDEX commerce.refetches_next;
CREATE INDEX refetches_next ON commerce.refetches (
    tenant_id, shop_id, kind, (reason IN ('refunds', 'follows')), attempts, not_before, id
);

-- Payments that may still succeed or fail without touching their order.
CREATE INDEX transactions_pending ON commerce.transactions (tenant_id, shop_id, order_id)
    WHERE status = 'pending';

-- When a poll last found a change that webhooks had not told minutes later.
ALTER TABLE commerce.sync_state ADD COLUMN untold_at timestamptz;
