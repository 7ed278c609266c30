-- Each day a small share of the log is forgotten. By the default of a fifth of the table that would pile
-- up for weeks before the room is used again.
ALTER TABLE commerce.webhook_events SET (
    autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_scale_factor = 0.02
);
