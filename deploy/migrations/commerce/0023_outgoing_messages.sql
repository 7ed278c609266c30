-- What is to be posted to an endpoint, and each attempt to do so. A message goes with its endpoint.
CREATE TABLE commerce.outgoing_messages (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    body text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, endpoint_id, event_id),
    FOREIGN KEY (tenant_id, endpoint_id) REFERENCES accounts.webhook_endpoints ON DELETE CASCADE
);
CREATE INDEX outgoing_messages_due ON commerce.outgoing_messages (tenant_id, endpoint_id, due_at)
    WHERE state = 'waiting';
CREATE INDEX outgoing_messages_endpoint
    ON commerce.outgoing_messages (tenant_id, endpoint_id, created_at DESC, event_id DESC);
CREATE INDEX outgoing_messages_created ON commerce.outgoing_messages (created_at);
CALL accounts.protect('commerce.outgoing_messages', 'tillstream_syncer');
-- For pings and replays.
GRANT SELECT, INSERT ON commerce.outgoing_messages TO tillstream_gateway;
GRANT UPDATE (state, attempts, due_at, settled_at) ON commerce.outgoing_messages TO tillstream_gateway;

CREATE TABLE commerce.outgoing_attempts (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    attempt_no bigint GENERATED ALWAYS AS IDENTITY,
    attempted_at timestamptz NOT NULL,
    status integer,
    milliseconds integer NOT NULL,
    error text,
    excerpt text,
    PRIMARY KEY (tenant_id, shop_id, endpoint_id, event_id, attempt_no),
    FOREIGN KEY (tenant_id, shop_id, endpoint_id, event_id)
        REFERENCES commerce.outgoing_messages ON DELETE CASCADE
);
CALL accounts.protect('commerce.outgoing_attempts', 'tillstream_syncer');
GRANT SELECT ON commerce.outgoing_attempts TO tillstream_gateway;

COMMENT ON TABLE commerce.outgoing_messages IS 'Events to be posted to the endpoints of their tenant; kept for 30 days.';
COMMENT ON COLUMN commerce.outgoing_messages.tenant_id IS 'owner of the row; row level security compares it with the session';
COMMENT ON COLUMN commerce.outgoing_messages.shop_id IS 'store, our own number; 0 of a ping';
COMMENT ON COLUMN commerce.outgoing_messages.endpoint_id IS 'where it goes';
COMMENT ON COLUMN commerce.outgoing_messages.event_id IS 'the id that the receiver sees';
COMMENT ON COLUMN commerce.outgoing_messages.type IS 'type of the event';
COMMENT ON COLUMN commerce.outgoing_messages.body IS 'JSON as it is signed and posted';
COMMENT ON COLUMN commerce.outgoing_messages.state IS 'waiting, delivered or failed';
COMMENT ON COLUMN commerce.outgoing_messages.attempts IS 'attempts since it was queued or last replayed';
COMMENT ON COLUMN commerce.outgoing_messages.due_at IS 'when it is to be tried next';
COMMENT ON COLUMN commerce.outgoing_messages.leased_until IS 'until when a sender has it; null if none has';
COMMENT ON COLUMN commerce.outgoing_messages.created_at IS 'when it was queued';
COMMENT ON COLUMN commerce.outgoing_messages.settled_at IS 'when it was delivered or given up; null while it waits';

COMMENT ON TABLE commerce.outgoing_attempts IS 'Each time a message was posted, and what was answered.';
COMMENT ON COLUMN commerce.outgoing_attempts.tenant_id IS 'owner of the row; row level security compares it with the session';
COMMENT ON COLUMN commerce.outgoing_attempts.shop_id IS 'store, our own number; 0 of a ping';
COMMENT ON COLUMN commerce.outgoing_attempts.endpoint_id IS 'where it was posted to';
COMMENT ON COLUMN commerce.outgoing_attempts.event_id IS 'message';
COMMENT ON COLUMN commerce.outgoing_attempts.attempt_no IS 'rising number';
COMMENT ON COLUMN commerce.outgoing_attempts.attempted_at IS 'when it ended';
COMMENT ON COLUMN commerce.outgoing_attempts.status IS 'HTTP status; null if there was no answer';
COMMENT ON COLUMN commerce.outgoing_attempts.milliseconds IS 'how long it took';
COMMENT ON COLUMN commerce.outgoing_attempts.error IS 'why it failed; null if it did not';
COMMENT ON COLUMN commerce.outgoing_attempts.excerpt IS 'beginning of what was answered';
