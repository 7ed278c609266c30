-- What an operator does with a queue, and keys that begin with the queue: every statement names it,
-- so that the tables can be partitioned by it (docs/webhooks.md).
CREATE TABLE bus.paused (
    queue text PRIMARY KEY,
    reason text NOT NULL DEFAULT '',
    paused_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, DELETE ON bus.paused TO
    tillstream_gateway, tillstream_webhooks, tillstream_syncer, tillstream_analytics;

ALTER TABLE bus.messages DROP CONSTRAINT messages_pkey;
ALTER TABLE bus.messages ADD PRIMARY KEY (queue, message_id);

ALTER TABLE bus.dead DROP CONSTRAINT dead_pkey;
ALTER TABLE bus.dead ADD PRIMARY KEY (queue, message_id);
ALTER TABLE bus.dead ALTER COLUMN body SET STORAGE EXTERNAL;
-- The dead are visited in the order in which they died.
CREATE INDEX dead_in_order ON bus.dead (queue, died_at, message_id);

-- A queue's table is rewritten all the time and never large: it is vacuumed by a count of rows
-- instead of a share of them, without pausing, and its statistics are kept as fresh.
ALTER TABLE bus.messages SET (
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 10000,
    autovacuum_analyze_threshold = 5000,
    autovacuum_analyze_scale_factor = 0
);
