-- An endpoint that is disabled because it failed gets what came since, if it is enabled in time.
ALTER TABLE accounts.webhook_endpoints ADD COLUMN kept_until timestamptz;
COMMENT ON COLUMN accounts.webhook_endpoints.kept_until IS 'until when events are queued although it is disabled; null: they are not';
GRANT UPDATE (kept_until) ON accounts.webhook_endpoints TO tillstream_syncer;
