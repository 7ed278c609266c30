-- How often a message was handed out since its last retry: what kills its consumer every time is
-- buried by the delivery limit, which attempts (counted by the retry ladder) would never reach.
ALTER TABLE bus.messages ADD COLUMN deliveries smallint NOT NULL DEFAULT 0;
