-- Events on their way to the exchange. RabbitMQ may be away, and then webhooks must go on, so either has
-- a place of its own: the relay queues an event for both in one transaction.
CREATE TABLE commerce.announcements (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    event_id uuid NOT NULL,
    place bigint GENERATED ALWAYS AS IDENTITY,
    type text NOT NULL,
    body text NOT NULL,
    queued_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, shop_id, event_id)
);
CREATE INDEX announcements_place ON commerce.announcements (place);
CALL accounts.protect('commerce.announcements', 'tillstream_syncer');

-- As domain_events: empty most of the time and turned over completely when it is not.
ALTER TABLE commerce.announcements SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000
);

COMMENT ON TABLE commerce.announcements IS 'Events that wait to be published to the exchange of RabbitMQ, for 30 days at most.';
COMMENT ON COLUMN commerce.announcements.tenant_id IS 'owner of the row; row level security compares it with the session';
COMMENT ON COLUMN commerce.announcements.shop_id IS 'store, our own number';
COMMENT ON COLUMN commerce.announcements.event_id IS 'the id that receivers see';
COMMENT ON COLUMN commerce.announcements.place IS 'the order in which events are published';
COMMENT ON COLUMN commerce.announcements.type IS 'type of the event, which is its routing key';
COMMENT ON COLUMN commerce.announcements.body IS 'JSON as it is published';
COMMENT ON COLUMN commerce.announcements.queued_at IS 'when it was queued';
COMMENT ON TABLE commerce.domain_events IS 'Events that wait to be queued for the exchange and for endpoints.';
