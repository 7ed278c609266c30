-- name: publish
INSERT INTO bus.messages (queue, topic, body, headers)
SELECT new.queue, new.topic, new.body, new.headers::jsonb
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[])
    WITH ORDINALITY AS new (queue, topic, body, headers, position)
ORDER BY new.position

-- name: notify
SELECT pg_notify($1, '')

-- name: claim
-- Claiming moves available_at to the end of the lease: an expired lease needs no reaper.
WITH ready AS (
    SELECT message_id
    FROM bus.messages
    WHERE queue = $1 AND available_at <= now()
    ORDER BY available_at, message_id
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
UPDATE bus.messages AS message
SET available_at = now() + $3::interval, lease_id = $4, deliveries = deliveries + 1
FROM ready
WHERE message.message_id = ready.message_id
RETURNING message.message_id, message.topic, message.body, message.headers, message.attempts,
    message.deliveries

-- name: renew
UPDATE bus.messages
SET available_at = now() + $3::interval
WHERE message_id = ANY ($1::bigint[]) AND lease_id = $2

-- name: acknowledge
DELETE FROM bus.messages
WHERE message_id = ANY ($1::bigint[]) AND lease_id = $2

-- name: release
UPDATE bus.messages
SET available_at = now(), lease_id = NULL, deliveries = deliveries - 1
WHERE message_id = ANY ($1::bigint[]) AND lease_id = $2

-- name: retry
UPDATE bus.messages AS message
SET available_at = now() + failed.delay, attempts = attempts + 1, deliveries = 0, lease_id = NULL,
    headers = message.headers || jsonb_build_object('x-error', failed.reason)
FROM unnest($1::bigint[], $3::interval[], $4::text[]) AS failed (message_id, delay, reason)
WHERE message.message_id = failed.message_id AND message.lease_id = $2

-- name: bury
WITH hopeless AS (
    SELECT * FROM unnest($1::bigint[], $3::text[]) AS hopeless (message_id, reason)
), gone AS (
    DELETE FROM bus.messages AS message
    USING hopeless
    WHERE message.message_id = hopeless.message_id AND message.lease_id = $2
    RETURNING message.*, hopeless.reason
)
INSERT INTO bus.dead (message_id, queue, topic, body, headers, attempts, reason, enqueued_at)
SELECT message_id, queue, topic, body, headers, attempts, reason, enqueued_at
FROM gone

-- name: depth
SELECT count(*) FROM bus.messages WHERE queue = $1 AND available_at <= now()

-- name: dead
SELECT count(*) FROM bus.dead WHERE queue = $1
