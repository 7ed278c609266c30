-- What is to be told to other systems, written in the transaction that makes it true and deleted once
-- it was handed on. Of one object at most one event waits that no relay has taken: a further change
-- makes it newer instead of adding one. Numbers that an event does not have are 0.
CREATE TABLE commerce.domain_events (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    event_id uuid NOT NULL DEFAULT gen_random_uuid(),
    place bigint GENERATED ALWAYS AS IDENTITY,
    type text NOT NULL,
    object_id bigint NOT NULL DEFAULT 0,
    location_id bigint NOT NULL DEFAULT 0,
    updated_at timestamptz,
    deleted boolean NOT NULL DEFAULT false,
    details jsonb NOT NULL DEFAULT '{}',
    occurred_at timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz,
    PRIMARY KEY (tenant_id, shop_id, event_id)
);
CREATE UNIQUE INDEX domain_events_waiting
    ON commerce.domain_events (tenant_id, shop_id, type, object_id, location_id)
    WHERE leased_until IS NULL AND object_id <> 0;
CREATE INDEX domain_events_object
    ON commerce.domain_events (tenant_id, shop_id, type, object_id, location_id, place);
CREATE INDEX domain_events_place ON commerce.domain_events (place);
CALL accounts.protect('commerce.domain_events', 'tillstream_syncer');
GRANT SELECT, INSERT ON commerce.domain_events TO tillstream_gateway;

-- A table that is empty most of the time and turned over completely when it is not.
ALTER TABLE commerce.domain_events SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000
);

-- Whether events of a tenant go anywhere; null asks about anybody's. Where they are published for all,
-- every connection of the services says so.
CREATE FUNCTION commerce.is_listened_to(of_tenant uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT COALESCE(current_setting('tillstream.domain_events', true), '') = 'on' OR EXISTS (
        SELECT FROM accounts.webhook_endpoints w
        WHERE w.disabled_at IS NULL AND (of_tenant IS NULL OR w.tenant_id = of_tenant)
    )
$$;

COMMENT ON TABLE commerce.domain_events IS 'Events that wait to be published and delivered to other systems.';
COMMENT ON COLUMN commerce.domain_events.tenant_id IS 'owner of the row; row level security compares it with the session';
COMMENT ON COLUMN commerce.domain_events.shop_id IS 'store, our own number';
COMMENT ON COLUMN commerce.domain_events.event_id IS 'the id that receivers see, the same however often it is sent';
COMMENT ON COLUMN commerce.domain_events.place IS 'the order in which events are handed on';
COMMENT ON COLUMN commerce.domain_events.type IS 'order.changed, product.changed, customer.changed, inventory.changed, store.connected, store.left or sync.completed';
COMMENT ON COLUMN commerce.domain_events.object_id IS 'Shopify object; 0 if it speaks of none';
COMMENT ON COLUMN commerce.domain_events.location_id IS 'location of a stock level; 0 otherwise';
COMMENT ON COLUMN commerce.domain_events.updated_at IS 'version of the object, by Shopify';
COMMENT ON COLUMN commerce.domain_events.deleted IS 'whether the object is gone';
COMMENT ON COLUMN commerce.domain_events.details IS 'what an event says that is not about an object';
COMMENT ON COLUMN commerce.domain_events.occurred_at IS 'when it was written';
COMMENT ON COLUMN commerce.domain_events.leased_until IS 'until when a relay hands it on; null until one took it';
