-- name: fan_out
-- An endpoint that is being deleted gets nothing any more; one that failed may be enabled again.
INSERT INTO commerce.outgoing_messages (tenant_id, shop_id, endpoint_id, event_id, type, body)
SELECT e.tenant_id, e.shop_id, w.endpoint_id, e.event_id, e.type, e.body
FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[])
    AS e (tenant_id, shop_id, event_id, type, body)
JOIN accounts.webhook_endpoints w ON w.tenant_id = e.tenant_id
WHERE (w.disabled_at IS NULL OR w.kept_until > now())
    AND (w.event_types IS NULL OR e.type = ANY (w.event_types))
FOR KEY SHARE OF w
ON CONFLICT (tenant_id, shop_id, endpoint_id, event_id) DO NOTHING

-- name: claim
-- Each endpoint has its own places, so one that hangs holds up none but itself.
WITH due AS (
    SELECT m.tenant_id, m.shop_id, m.endpoint_id, m.event_id
    FROM accounts.webhook_endpoints w
    LEFT JOIN unnest($3::uuid[], $4::integer[]) AS busy (endpoint_id, places)
        ON busy.endpoint_id = w.endpoint_id
    CROSS JOIN LATERAL (
        SELECT d.* FROM commerce.outgoing_messages d
        WHERE d.tenant_id = w.tenant_id AND d.endpoint_id = w.endpoint_id AND d.state = 'waiting'
            AND d.due_at <= $1::timestamptz
            AND (d.leased_until IS NULL OR d.leased_until < $1::timestamptz)
        ORDER BY d.due_at
        LIMIT $5::integer - COALESCE(busy.places, 0)
        FOR UPDATE SKIP LOCKED
    ) AS m
    WHERE w.disabled_at IS NULL
)
UPDATE commerce.outgoing_messages m
SET leased_until = $1::timestamptz + $2::double precision * interval '1 second'
FROM due JOIN accounts.webhook_endpoints w
    ON w.tenant_id = due.tenant_id AND w.endpoint_id = due.endpoint_id
WHERE m.tenant_id = due.tenant_id AND m.shop_id = due.shop_id
    AND m.endpoint_id = due.endpoint_id AND m.event_id = due.event_id
RETURNING m.tenant_id, m.shop_id, m.endpoint_id, m.event_id, m.body, m.attempts, w.url, w.secret_enc,
    CASE WHEN w.former_secret_until > $1::timestamptz THEN w.former_secret_enc END
        AS former_secret_enc,
    w.failing_since

-- name: note
INSERT INTO commerce.outgoing_attempts
    (tenant_id, shop_id, endpoint_id, event_id, attempted_at, status, milliseconds, error, excerpt)
SELECT m.tenant_id, m.shop_id, m.endpoint_id, m.event_id, $5, $6, $7, $8, $9
FROM commerce.outgoing_messages m
WHERE m.tenant_id = $1 AND m.shop_id = $2 AND m.endpoint_id = $3 AND m.event_id = $4
FOR KEY SHARE

-- name: settle
UPDATE commerce.outgoing_messages SET state = $5, attempts = $6, due_at = COALESCE($7, due_at),
    settled_at = CASE WHEN $5 <> 'waiting' THEN $8::timestamptz END, leased_until = NULL
WHERE tenant_id = $1 AND shop_id = $2 AND endpoint_id = $3 AND event_id = $4

-- name: endpoint_works
UPDATE accounts.webhook_endpoints SET failing_since = NULL
WHERE tenant_id = $1 AND endpoint_id = $2 AND failing_since IS NOT NULL

-- name: endpoint_fails
UPDATE accounts.webhook_endpoints SET failing_since = COALESCE(failing_since, $3),
    disabled_at = CASE WHEN $4::text IS NOT NULL THEN $3::timestamptz END, disabled_reason = $4,
    kept_until = $5
WHERE tenant_id = $1 AND endpoint_id = $2 AND disabled_at IS NULL
    AND (failing_since IS NULL OR $4::text IS NOT NULL)
