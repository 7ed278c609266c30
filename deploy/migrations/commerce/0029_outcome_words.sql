COMMENT ON COLUMN commerce.webhook_events.outcome IS 'kind:id:what for each object, between spaces: inserted, updated, stale, equal, conflict, deleted, removed, added, merged or wanted';
