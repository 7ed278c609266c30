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
-- Ids are compared with an array, and without their queue, here and below: statistics taken while
-- the table was empty let the planner expect one row and walk the whole queue for each id.
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
WHERE message.message_id = ANY (ARRAY(SELECT message_id FROM ready))
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
SET available_at = now() + failed.wait, attempts = attempts + 1, deliveries = 0, lease_id = NULL,
    headers = failed.headers::jsonb
FROM unnest($1::bigint[], $3::interval[], $4::text[]) AS failed (message_id, wait, headers)
WHERE message.message_id = ANY ($1::bigint[])
    AND message.message_id = failed.message_id AND message.lease_id = $2

-- name: bury
WITH hopeless AS (
    SELECT *
    FROM unnest($1::bigint[], $3::text[], $4::text[]) AS hopeless (message_id, reason, dead_headers)
), gone AS (
    DELETE FROM bus.messages AS message
    USING hopeless
    WHERE message.message_id = ANY ($1::bigint[])
        AND message.message_id = hopeless.message_id AND message.lease_id = $2
    RETURNING message.*, hopeless.reason, hopeless.dead_headers
)
INSERT INTO bus.dead (
    message_id, queue, topic, body, headers, attempts, reason, enqueued_at, died_at
)
SELECT
    message_id, queue, topic, body, dead_headers::jsonb, attempts, reason, enqueued_at,
    statement_timestamp()
FROM gone

-- name: depth
SELECT count(*) FROM bus.messages WHERE queue = $1 AND available_at <= now()

-- name: dead
SELECT count(*) FROM bus.dead WHERE queue = $1

-- name: state
-- A lease that has expired is ready again; nobody has it, whatever lease_id says.
SELECT
    count(*) FILTER (WHERE available_at <= now()) AS ready,
    count(*) FILTER (WHERE available_at > now() AND lease_id IS NOT NULL) AS held,
    count(*) FILTER (WHERE available_at > now() AND lease_id IS NULL) AS waiting,
    (SELECT count(*) FROM bus.dead WHERE queue = $1) AS dead,
    extract(
        epoch FROM now() - min(available_at) FILTER (WHERE available_at <= now())
    )::double precision AS oldest_seconds
FROM bus.messages
WHERE queue = $1

-- name: moment
SELECT clock_timestamp()

-- name: visit_dead
SELECT message_id, topic, body, headers, attempts, reason, enqueued_at, died_at
FROM bus.dead
WHERE queue = $1 AND (died_at, message_id) > ($2, $3) AND died_at <= $4
ORDER BY died_at, message_id
LIMIT $5

-- name: replay_dead
WITH back AS (
    DELETE FROM bus.dead WHERE queue = $1 AND message_id = $2 RETURNING queue, topic, body
)
INSERT INTO bus.messages (queue, topic, body, headers)
SELECT queue, topic, body, $3::jsonb FROM back

-- name: drop_dead
DELETE FROM bus.dead WHERE queue = $1 AND message_id = $2

-- name: replace_dead
UPDATE bus.dead SET body = $3 WHERE queue = $1 AND message_id = $2

-- name: paused
SELECT queue, reason, paused_at FROM bus.paused WHERE starts_with(queue, $1) ORDER BY queue

-- name: pause
INSERT INTO bus.paused (queue, reason) VALUES ($1, $2) ON CONFLICT (queue) DO NOTHING

-- name: resume
DELETE FROM bus.paused WHERE queue = $1
