-- Where the polls of stock stand: a location that we just met must be read from the beginning.
CREATE TABLE commerce.level_cursors (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    location_id bigint NOT NULL,
    cursor_updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, location_id)
);
CALL accounts.protect('commerce.level_cursors', 'tillstream_syncer');
GRANT SELECT ON commerce.level_cursors TO tillstream_gateway;

-- What the daily pruning looks for.
CREATE INDEX webhook_events_prunable ON commerce.webhook_events (received_at) WHERE body IS NOT NULL;
CREATE INDEX sync_jobs_finished ON commerce.sync_jobs (finished_at) WHERE finished_at IS NOT NULL;
