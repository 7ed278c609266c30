-- name: claim
-- A job whose lease ran out was left by a dead process: that counts as an attempt. Kinds that this
-- release does not know are left to a newer one.
WITH ready AS (
    SELECT j.tenant_id, j.shop_id, j.job_id
    FROM commerce.sync_jobs j
    JOIN accounts.stores s USING (tenant_id, shop_id)
    WHERE j.status IN ('queued', 'running') AND j.not_before <= now()
        AND (j.lease_until IS NULL OR j.lease_until < now())
        AND s.status = 'active' AND ($3 OR j.mode NOT IN ('full', 'verify') OR j.kind = 'shop')
        AND j.kind = ANY ($4::text[])
    ORDER BY j.kind <> 'shop', j.mode, j.not_before
    LIMIT 1
    FOR UPDATE OF j SKIP LOCKED
)
UPDATE commerce.sync_jobs j SET
    status = 'running', lease_id = $1, lease_until = now() + $2::interval, error = NULL,
    attempts = j.attempts + (j.status = 'running')::integer,
    started_at = COALESCE(j.started_at, now()),
    mark_at = now(), mark_rows = j.rows_written, next_mark_at = now(), next_mark_rows = j.rows_written
FROM ready r
WHERE j.tenant_id = r.tenant_id AND j.shop_id = r.shop_id AND j.job_id = r.job_id
RETURNING j.tenant_id::text AS tenant_id, j.shop_id, j.job_id, j.kind, j.mode, j.attempts,
    j.started_at, j.lease_id

-- name: renew
UPDATE commerce.sync_jobs SET lease_until = now() + $5::interval
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND lease_id = $4 AND status = 'running'
RETURNING true

-- name: progress
-- Fails to match when the lease went to somebody else: the caller then undoes its work.
UPDATE commerce.sync_jobs SET
    rows_done = rows_done + $5, attempts = CASE WHEN $7 THEN 0 ELSE attempts END,
    lease_until = now() + $6::interval,
    rows_written = rows_written + $5,
    mark_at = CASE WHEN next_mark_at < now() - interval '10 seconds'
        THEN next_mark_at ELSE mark_at END,
    mark_rows = CASE WHEN next_mark_at < now() - interval '10 seconds'
        THEN next_mark_rows ELSE mark_rows END,
    next_mark_at = CASE WHEN next_mark_at < now() - interval '10 seconds'
        THEN now() ELSE next_mark_at END,
    next_mark_rows = CASE WHEN next_mark_at < now() - interval '10 seconds'
        THEN rows_written ELSE next_mark_rows END
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND lease_id = $4 AND status = 'running'
RETURNING true

-- name: expect
UPDATE commerce.sync_jobs SET rows_total = $5
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND lease_id = $4

-- name: warn
UPDATE commerce.sync_jobs SET warning = $5
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND lease_id = $4

-- name: expected
SELECT rows_total FROM commerce.sync_jobs WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3

-- name: recount
UPDATE commerce.sync_jobs j SET rows_done = (
    SELECT COALESCE(sum(b.roots_done), 0) FROM commerce.bulk_operations b
    WHERE b.tenant_id = j.tenant_id AND b.shop_id = j.shop_id AND b.job_id = j.job_id
)
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND lease_id = $4

-- name: attempts
SELECT attempts FROM commerce.sync_jobs
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND lease_id = $4

-- name: put_back
-- Added here, because progress since the claim has forgiven what was counted then.
UPDATE commerce.sync_jobs SET
    status = 'queued', lease_id = NULL, lease_until = NULL, attempts = attempts + $5,
    not_before = now() + $6::interval, error = $7
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND lease_id = $4

-- name: finish
UPDATE commerce.sync_jobs SET
    status = $5, lease_id = NULL, lease_until = NULL, error = $6, finished_at = now()
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND lease_id = $4
RETURNING true

-- name: remember_run
INSERT INTO commerce.sync_state AS t (
    tenant_id, shop_id, kind, last_polled_at, last_success_at, last_error
) VALUES ($1, $2, $3, now(), CASE WHEN $4::text IS NULL THEN now() END, $4)
ON CONFLICT (tenant_id, shop_id, kind) DO UPDATE SET
    last_polled_at = excluded.last_polled_at, last_error = excluded.last_error,
    last_success_at = COALESCE(excluded.last_success_at, t.last_success_at)

-- name: remember_full
-- Changes since the job started are the next poll's.
INSERT INTO commerce.sync_state AS t (tenant_id, shop_id, kind, full_synced_at, cursor_updated_at)
VALUES ($1, $2, $3, now(), $4)
ON CONFLICT (tenant_id, shop_id, kind) DO UPDATE SET
    full_synced_at = excluded.full_synced_at,
    cursor_updated_at = GREATEST(t.cursor_updated_at, excluded.cursor_updated_at)

-- name: remember_levels
-- A full sync of stock covers the locations that were there when it started.
INSERT INTO commerce.level_cursors AS t (tenant_id, shop_id, location_id, cursor_updated_at)
SELECT l.tenant_id, l.shop_id, l.location_id, $3 FROM commerce.locations l
WHERE l.tenant_id = $1 AND l.shop_id = $2 AND l.created_at < $3
ON CONFLICT (tenant_id, shop_id, location_id) DO UPDATE SET
    cursor_updated_at = GREATEST(t.cursor_updated_at, excluded.cursor_updated_at)

-- name: level_cursors
SELECT l.location_id, c.cursor_updated_at
FROM commerce.locations l LEFT JOIN commerce.level_cursors c USING (tenant_id, shop_id, location_id)
WHERE l.tenant_id = $1 AND l.shop_id = $2 AND l.deleted_at IS NULL
ORDER BY l.location_id

-- name: move_level_cursor
INSERT INTO commerce.level_cursors AS t (tenant_id, shop_id, location_id, cursor_updated_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, shop_id, location_id) DO UPDATE SET
    cursor_updated_at = GREATEST(t.cursor_updated_at, excluded.cursor_updated_at)

-- name: cursor
SELECT cursor_updated_at, cursor_id FROM commerce.sync_state
WHERE tenant_id = $1 AND shop_id = $2 AND kind = $3

-- name: move_cursor
INSERT INTO commerce.sync_state AS t (tenant_id, shop_id, kind, cursor_updated_at, cursor_id)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, shop_id, kind) DO UPDATE SET
    cursor_updated_at = excluded.cursor_updated_at, cursor_id = excluded.cursor_id
WHERE (excluded.cursor_updated_at, COALESCE(excluded.cursor_id, 0))
    >= (COALESCE(t.cursor_updated_at, excluded.cursor_updated_at), COALESCE(t.cursor_id, 0))
    OR excluded.cursor_updated_at > t.cursor_updated_at

-- name: place
SELECT (cursor->>'at')::timestamptz AS at, (cursor->>'id')::bigint AS id FROM commerce.sync_jobs
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND lease_id = $4

-- name: remember_place
UPDATE commerce.sync_jobs j SET
    cursor = n.cursor,
    attempts = CASE WHEN j.cursor IS DISTINCT FROM n.cursor THEN 0 ELSE j.attempts END
FROM (SELECT jsonb_build_object('at', $5::timestamptz, 'id', $6::bigint) AS cursor) AS n
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND lease_id = $4

-- name: ask_for_shops
INSERT INTO commerce.sync_jobs (tenant_id, shop_id, kind, mode, trigger)
SELECT w.tenant_id, w.shop_id, 'shop', 'incremental', 'schedule'
FROM unnest($1::uuid[], $2::bigint[]) AS w (tenant_id, shop_id)
ON CONFLICT (tenant_id, shop_id, kind, mode) WHERE status IN ('queued', 'running') DO NOTHING

-- name: ask_for_full
INSERT INTO commerce.sync_jobs (tenant_id, shop_id, kind, mode, trigger)
SELECT $1, $2, w.kind, 'full', 'schedule' FROM unnest($3::text[]) AS w (kind)
ON CONFLICT (tenant_id, shop_id, kind, mode) WHERE status IN ('queued', 'running') DO NOTHING

-- name: cancel_left
-- Nobody would ever claim them: the merchant disconnected the store.
UPDATE commerce.sync_jobs j SET
    status = 'cancelled', error = 'the store was disconnected', finished_at = now(),
    lease_id = NULL, lease_until = NULL
FROM accounts.stores s
WHERE s.tenant_id = j.tenant_id AND s.shop_id = j.shop_id AND s.status = 'disconnected'
    AND j.status IN ('queued', 'running') AND (j.lease_until IS NULL OR j.lease_until < now())

-- name: schedule
-- One incremental job per kind whose interval has passed; the live index keeps replicas apart.
INSERT INTO commerce.sync_jobs (tenant_id, shop_id, kind, mode, trigger, not_before)
SELECT s.tenant_id, s.shop_id, k.kind, 'incremental', 'schedule',
    now() + random() * 0.1 * k.seconds * interval '1 second'
FROM accounts.stores s
CROSS JOIN LATERAL (
    SELECT i.kind, COALESCE(CASE i.kind
        WHEN 'products' THEN s.sync_interval_products
        WHEN 'orders' THEN s.sync_interval_orders
        WHEN 'order_details' THEN s.sync_interval_orders
        WHEN 'customers' THEN s.sync_interval_customers
        WHEN 'inventory' THEN s.sync_interval_inventory
    END, i.seconds) AS seconds
    FROM unnest($1::text[], $2::integer[]) AS i (kind, seconds)
) AS k
JOIN commerce.sync_state t
    ON t.tenant_id = s.tenant_id AND t.shop_id = s.shop_id AND t.kind = k.kind
WHERE s.status = 'active' AND t.full_synced_at IS NOT NULL
    AND COALESCE(t.last_polled_at, t.full_synced_at) + k.seconds * interval '1 second' <= now()
    AND NOT EXISTS (
        SELECT FROM commerce.capabilities c
        WHERE c.tenant_id = s.tenant_id AND c.shop_id = s.shop_id AND c.resource = k.kind
            AND c.state IN ('missing_scope', 'not_on_plan')
    )
ON CONFLICT (tenant_id, shop_id, kind, mode) WHERE status IN ('queued', 'running') DO NOTHING

-- name: schedule_full
-- A full sync finds what vanished silently. The first one is due as soon as we may read the resource
-- and is tried until it succeeds: an hour after it ended, or when the shop was probed since.
INSERT INTO commerce.sync_jobs (tenant_id, shop_id, kind, mode, trigger, not_before)
SELECT s.tenant_id, s.shop_id, k.kind, 'full', 'schedule',
    now() + CASE WHEN t.full_synced_at IS NULL THEN 0 ELSE 1 END
        * random() * 0.1 * $1 * interval '1 second'
FROM accounts.stores s
CROSS JOIN unnest($2::text[]) AS k (kind)
LEFT JOIN commerce.sync_state t
    ON t.tenant_id = s.tenant_id AND t.shop_id = s.shop_id AND t.kind = k.kind
LEFT JOIN commerce.capabilities c
    ON c.tenant_id = s.tenant_id AND c.shop_id = s.shop_id AND c.resource = k.kind
CROSS JOIN LATERAL (
    SELECT max(j.finished_at) AS at FROM commerce.sync_jobs j
    WHERE j.tenant_id = s.tenant_id AND j.shop_id = s.shop_id AND j.kind = k.kind
        AND j.mode = 'full' AND j.status IN ('failed', 'skipped')
) AS failed
WHERE s.status = 'active' AND COALESCE(c.state NOT IN ('missing_scope', 'not_on_plan'), true) AND CASE
    WHEN t.full_synced_at IS NOT NULL THEN
        k.kind <> 'shop' AND t.full_synced_at + $1 * interval '1 second' <= now()
        AND (failed.at IS NULL OR failed.at + interval '1 hour' <= now())
    WHEN failed.at IS NULL THEN c.state IS NOT NULL
    ELSE failed.at + interval '1 hour' <= now() OR c.checked_at > failed.at
END
ON CONFLICT (tenant_id, shop_id, kind, mode) WHERE status IN ('queued', 'running') DO NOTHING
