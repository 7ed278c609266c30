-- The bus for one machine without a broker. Claiming a message moves available_at to the end of
-- its lease, so an expired lease needs no reaper: the message is simply available again.
-- Bodies are sealed batches of many tenants, so these tables have no tenant column and no RLS.
CREATE TABLE bus.messages (
    message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    topic text NOT NULL,
    body bytea NOT NULL,
    headers jsonb NOT NULL DEFAULT '{}',
    attempts smallint NOT NULL DEFAULT 0,
    available_at timestamptz NOT NULL DEFAULT now(),
    lease_id uuid,
    enqueued_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE bus.messages ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX messages_ready ON bus.messages (queue, available_at, message_id);

CREATE TABLE bus.dead (
    message_id bigint PRIMARY KEY,
    queue text NOT NULL,
    topic text NOT NULL,
    body bytea NOT NULL,
    headers jsonb NOT NULL,
    attempts smallint NOT NULL,
    reason text NOT NULL,
    enqueued_at timestamptz NOT NULL,
    died_at timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT, UPDATE, DELETE ON bus.messages, bus.dead TO
    tillstream_gateway, tillstream_webhooks, tillstream_syncer, tillstream_analytics;
