-- The event log: deliveries are found by id, event, object and order name, their way through us can
-- be told, and they can be replayed.

-- Found by their own id alone; uniqueness is the same in any order of the columns.
ALTER TABLE commerce.webhook_events
    DROP CONSTRAINT webhook_events_pkey,
    ADD PRIMARY KEY (tenant_id, shop_id, webhook_id, topic);

-- outcome: kind:id:what for each object, in the order of the body, between spaces. resource_name is
-- kept of deliveries alone that could not be mapped: of all others our copy knows the name.
ALTER TABLE commerce.webhook_events
    ADD COLUMN resource_name text,
    ADD COLUMN trace_id uuid,
    ADD COLUMN handed_at timestamptz,
    ADD COLUMN spooled boolean NOT NULL DEFAULT false,
    ADD COLUMN taken_at timestamptz,
    ADD COLUMN attempts integer NOT NULL DEFAULT 1,
    ADD COLUMN outcome text,
    ADD COLUMN replayed_at timestamptz,
    ADD COLUMN replays integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN commerce.webhook_events.resource_name IS 'what a body that could not be mapped calls its object; null otherwise';
COMMENT ON COLUMN commerce.webhook_events.trace_id IS 'W3C trace id; null where none was carried';
COMMENT ON COLUMN commerce.webhook_events.handed_at IS 'when it was handed to the bus; null where it was not told';
COMMENT ON COLUMN commerce.webhook_events.spooled IS 'whether it waited in the spool for the broker';
COMMENT ON COLUMN commerce.webhook_events.taken_at IS 'when the syncer took it; null of older releases';
COMMENT ON COLUMN commerce.webhook_events.processed_at IS 'when what it did was about to be committed';
COMMENT ON COLUMN commerce.webhook_events.attempts IS 'how often it was taken off the bus';
COMMENT ON COLUMN commerce.webhook_events.outcome IS 'kind:id:what for each object, between spaces: inserted, updated, stale, equal, conflict, deleted, removed, added, wanted or told';
COMMENT ON COLUMN commerce.webhook_events.replayed_at IS 'when it was last replayed; null if never';
COMMENT ON COLUMN commerce.webhook_events.replays IS 'how often it was replayed';

-- shop_id is unique by itself, and a narrow index is cheaper to write.
CREATE INDEX webhook_events_resource
    ON commerce.webhook_events (shop_id, resource_id, received_at DESC) WHERE resource_id IS NOT NULL;
CREATE INDEX webhook_events_event
    ON commerce.webhook_events (shop_id, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX webhook_events_dead
    ON commerce.webhook_events (shop_id, received_at DESC) WHERE state = 'dead';
CREATE INDEX webhook_events_named
    ON commerce.webhook_events (shop_id, resource_name) WHERE resource_name IS NOT NULL;
CREATE INDEX orders_name ON commerce.orders (shop_id, name);

-- What a search means, for every service. It is inlined, so that the planner sees which conditions
-- there are: ask with plan_cache_mode = force_custom_plan.
CREATE FUNCTION commerce.events_matching(
    of_tenant uuid, of_shop bigint, of_states text[], of_topic text, of_webhook text, of_event text,
    of_resource bigint, of_order text, since timestamptz, until timestamptz
) RETURNS SETOF commerce.webhook_events
LANGUAGE sql STABLE AS $$
    SELECT e.* FROM commerce.webhook_events e
    WHERE e.tenant_id = of_tenant AND e.shop_id = of_shop
        AND (of_states IS NULL OR e.state = ANY (of_states))
        AND (of_topic IS NULL OR e.topic = of_topic)
        AND (of_webhook IS NULL OR e.webhook_id = of_webhook)
        AND (of_event IS NULL OR e.event_id = of_event)
        AND (of_resource IS NULL OR e.resource_id = of_resource)
        AND (since IS NULL OR e.received_at >= since)
        AND (until IS NULL OR e.received_at < until)
        AND (of_order IS NULL OR (
            e.resource_id = ANY (ARRAY(
                SELECT o.order_id FROM commerce.orders o
                WHERE o.tenant_id = of_tenant AND o.shop_id = of_shop
                    AND o.name IN (of_order, '#' || of_order)
            ))
            OR e.resource_name IS NOT NULL AND e.resource_name IN (of_order, '#' || of_order)
        ) AND split_part(e.topic, '/', 1) IN (
            'orders', 'order_transactions', 'refunds', 'fulfillments', 'returns'
        ))
$$;

-- Replays are jobs of kind webhooks: which deliveries are applied again, how fast, and how far it is.
-- states is null for all. The place is the last delivery that was done, in the order of receipt.
ALTER TABLE commerce.sync_jobs DROP CONSTRAINT sync_jobs_mode_check;
ALTER TABLE commerce.sync_jobs ADD CONSTRAINT sync_jobs_mode_check
    CHECK (mode IN ('full', 'incremental', 'verify', 'sample', 'replay'));
COMMENT ON COLUMN commerce.sync_jobs.kind IS 'resource, shop, or webhooks';
COMMENT ON COLUMN commerce.sync_jobs.mode IS 'incremental, full, verify, sample or replay';

CREATE TABLE commerce.replays (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    job_id uuid NOT NULL,
    states text[],
    topic text,
    webhook_id text,
    event_id text,
    resource_id bigint,
    order_name text,
    received_from timestamptz,
    received_to timestamptz NOT NULL,
    rate double precision NOT NULL CHECK (rate > 0),
    place_received_at timestamptz,
    place_topic text,
    place_webhook_id text,
    replayed bigint NOT NULL DEFAULT 0,
    applied bigint NOT NULL DEFAULT 0,
    stale bigint NOT NULL DEFAULT 0,
    ignored bigint NOT NULL DEFAULT 0,
    dead bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, shop_id, job_id),
    FOREIGN KEY (tenant_id, shop_id, job_id) REFERENCES commerce.sync_jobs ON DELETE CASCADE
);
CALL accounts.protect('commerce.replays', 'tillstream_syncer');
-- Like the job that it belongs to.
GRANT SELECT, INSERT ON commerce.replays TO tillstream_gateway;

COMMENT ON TABLE commerce.replays IS 'Deliveries that a job applies again: which, how fast, and what became of them.';
COMMENT ON COLUMN commerce.replays.tenant_id IS 'owner of the row; row level security compares it with the session';
COMMENT ON COLUMN commerce.replays.shop_id IS 'store, our own number';
COMMENT ON COLUMN commerce.replays.job_id IS 'sync job';
COMMENT ON COLUMN commerce.replays.states IS 'only of these states; null: of any';
COMMENT ON COLUMN commerce.replays.topic IS 'only of this topic; null: of any';
COMMENT ON COLUMN commerce.replays.webhook_id IS 'only this delivery; null: any';
COMMENT ON COLUMN commerce.replays.event_id IS 'only of this event at Shopify; null: of any';
COMMENT ON COLUMN commerce.replays.resource_id IS 'only about this object; null: about any';
COMMENT ON COLUMN commerce.replays.order_name IS 'only about the order of this name; null: about any';
COMMENT ON COLUMN commerce.replays.received_from IS 'received then or later; null: since ever';
COMMENT ON COLUMN commerce.replays.received_to IS 'received earlier than this; never after the replay was asked for';
COMMENT ON COLUMN commerce.replays.rate IS 'deliveries per second at most';
COMMENT ON COLUMN commerce.replays.place_received_at IS 'receipt of the last one done; null before';
COMMENT ON COLUMN commerce.replays.place_topic IS 'its topic; null before';
COMMENT ON COLUMN commerce.replays.place_webhook_id IS 'its id; null before';
COMMENT ON COLUMN commerce.replays.replayed IS 'deliveries done';
COMMENT ON COLUMN commerce.replays.applied IS 'of these, how many said something new or the same';
COMMENT ON COLUMN commerce.replays.stale IS 'of these, how many were older than what we have';
COMMENT ON COLUMN commerce.replays.ignored IS 'of these, how many say nothing about our copy';
COMMENT ON COLUMN commerce.replays.dead IS 'of these, how many could not be applied';
