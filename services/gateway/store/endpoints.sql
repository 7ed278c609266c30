-- name: endpoints
SELECT w.endpoint_id, w.url, w.description, w.event_types, w.failing_since, w.disabled_at,
    w.disabled_reason, CASE WHEN w.former_secret_until > now() THEN w.former_secret_until END
        AS former_secret_until,
    (SELECT count(*) FROM commerce.outgoing_messages m WHERE m.tenant_id = w.tenant_id
        AND m.endpoint_id = w.endpoint_id AND m.state = 'waiting') AS waiting,
    w.created_at, w.updated_at
FROM accounts.webhook_endpoints w
WHERE $1::uuid IS NULL OR w.endpoint_id = $1
ORDER BY w.created_at, w.endpoint_id

-- name: lock_tenant
SELECT pg_advisory_xact_lock(hashtextextended('endpoints ' || $1, 0))

-- name: count
SELECT count(*) FROM accounts.webhook_endpoints

-- name: insert
INSERT INTO accounts.webhook_endpoints
    (tenant_id, endpoint_id, url, description, event_types, secret_enc)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: update
UPDATE accounts.webhook_endpoints SET url = $2, description = $3, event_types = $4
WHERE endpoint_id = $1

-- name: delete
DELETE FROM accounts.webhook_endpoints WHERE endpoint_id = $1

-- name: rotate
UPDATE accounts.webhook_endpoints SET secret_enc = $2, former_secret_enc = secret_enc,
    former_secret_until = now() + $3 * interval '1 hour'
WHERE endpoint_id = $1

-- name: enable
UPDATE accounts.webhook_endpoints
SET disabled_at = NULL, disabled_reason = NULL, kept_until = NULL, failing_since = NULL
WHERE endpoint_id = $1

-- name: disable
-- Also one that failed: its owner does not want what is kept for it.
UPDATE accounts.webhook_endpoints
SET disabled_at = now(), disabled_reason = $2, kept_until = NULL
WHERE endpoint_id = $1 AND (disabled_at IS NULL OR kept_until IS NOT NULL)

-- name: insert_message
INSERT INTO commerce.outgoing_messages (tenant_id, shop_id, endpoint_id, event_id, type, body)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: messages
SELECT event_id, shop_id, type, state, attempts, due_at, created_at, settled_at
FROM commerce.outgoing_messages
WHERE endpoint_id = $1 AND ($2::text IS NULL OR state = $2)
    AND ($3::timestamptz IS NULL OR (created_at, event_id) < ($3, $4::uuid))
ORDER BY created_at DESC, event_id DESC
LIMIT $5

-- name: message
SELECT event_id, shop_id, type, state, attempts, due_at, created_at, settled_at, body
FROM commerce.outgoing_messages WHERE endpoint_id = $1 AND event_id = $2

-- name: attempts
SELECT attempted_at, status, milliseconds, error, excerpt
FROM commerce.outgoing_attempts
WHERE shop_id = $1 AND endpoint_id = $2 AND event_id = $3
ORDER BY attempt_no DESC
LIMIT 50

-- name: replay
UPDATE commerce.outgoing_messages
SET state = 'waiting', attempts = 0, due_at = now(), settled_at = NULL
WHERE endpoint_id = $1
    AND CASE WHEN $2::uuid IS NOT NULL THEN event_id = $2
        ELSE state = ANY ($3::text[])
            AND created_at >= COALESCE($4::timestamptz, '-infinity')
            AND created_at < COALESCE($5::timestamptz, 'infinity')
    END
