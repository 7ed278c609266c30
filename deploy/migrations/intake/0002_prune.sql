-- Large bodies go with those of the event log, the oldest first.
CREATE INDEX bodies_stored ON intake.bodies (stored_at);
