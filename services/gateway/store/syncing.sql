-- name: insert_job
-- A verification that waits takes on the wish to repair; one that runs goes on as it began.
INSERT INTO commerce.sync_jobs (tenant_id, shop_id, kind, mode, trigger, requested_by, repair)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant_id, shop_id, kind, mode) WHERE status IN ('queued', 'running') DO NOTHING

-- name: live_jobs
SELECT j.*, p.stage, p.rows_total AS total, p.percent, p.rate, p.eta, p.windows, p.windows_done
FROM commerce.sync_jobs j JOIN commerce.job_progress p USING (tenant_id, shop_id, job_id)
WHERE j.shop_id = $1 AND j.mode = $2 AND j.kind = ANY($3) AND j.status IN ('queued', 'running')
ORDER BY j.created_at, j.kind

-- name: jobs
-- The page comes first: progress is worked out for its jobs alone.
WITH j AS MATERIALIZED (
    SELECT * FROM commerce.sync_jobs
    WHERE shop_id = $1 AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR mode = $3)
        AND ($4::text IS NULL OR status = $4)
        AND (created_at, job_id)
            < (COALESCE($5::timestamptz, 'infinity'), COALESCE($6::uuid, job_id))
    ORDER BY created_at DESC, job_id DESC
    LIMIT $7
)
SELECT j.*, p.stage, p.rows_total AS total, p.percent, p.rate, p.eta, p.windows, p.windows_done
FROM j JOIN commerce.job_progress p USING (tenant_id, shop_id, job_id)
ORDER BY j.created_at DESC, j.job_id DESC

-- name: job
SELECT j.*, p.stage, p.rows_total AS total, p.percent, p.rate, p.eta, p.windows, p.windows_done
FROM commerce.sync_jobs j JOIN commerce.job_progress p USING (tenant_id, shop_id, job_id)
WHERE j.shop_id = $1 AND j.job_id = $2

-- name: windows
SELECT * FROM commerce.job_windows WHERE shop_id = $1 AND job_id = $2
ORDER BY created_until DESC NULLS LAST, window_no

-- name: sync_states
SELECT s.kind, s.cursor_updated_at, s.full_synced_at, s.last_polled_at, s.last_success_at,
    s.last_error, extract(epoch FROM now() - s.last_success_at)::bigint AS lag_seconds,
    (
        SELECT count(*) FROM commerce.refetches r
        WHERE r.tenant_id = s.tenant_id AND r.shop_id = s.shop_id AND r.kind IN (
            SELECT o.kind FROM unnest($2::text[], $3::text[]) AS o (resource, kind)
            WHERE o.resource = s.kind
        )
    ) AS pending_reads
FROM commerce.sync_state s WHERE s.shop_id = $1 ORDER BY s.kind

-- name: verification
SELECT * FROM commerce.verifications WHERE shop_id = $1 AND job_id = $2

-- name: differences
SELECT id, what, columns, details, ours_hash, theirs_hash, found_at, repaired_at
FROM commerce.verification_differences
WHERE shop_id = $1 AND job_id = $2 AND id > COALESCE($3::bigint, -1)
ORDER BY id LIMIT $4

-- name: resources
SELECT r.resource, COALESCE(c.state, 'unknown') AS state, c.reason,
    COALESCE(c.missing_scopes, '{}') AS missing_scopes, COALESCE(v.rows, 0) AS rows, v.oldest,
    v.newest, c.complete_since, s.cursor_updated_at AS cursor,
    extract(epoch FROM now() - s.cursor_updated_at)::bigint AS lag_seconds, s.last_success_at,
    s.last_error
FROM unnest($2::text[]) WITH ORDINALITY AS r (resource, place)
LEFT JOIN commerce.capabilities c ON c.shop_id = $1 AND c.resource = r.resource
LEFT JOIN commerce.coverage v ON v.shop_id = $1 AND v.resource = r.resource
LEFT JOIN commerce.sync_state s ON s.shop_id = $1 AND s.kind = r.resource
ORDER BY r.place

-- name: usage
SELECT day, requests, interactive, round(points)::bigint AS points, throttled, errors
FROM pacing.usage_daily
WHERE shop_id = $1 AND day > (now() AT TIME ZONE 'UTC')::date - $2::integer
ORDER BY day DESC

-- name: schema_drift
SELECT kind, what, example, count, first_seen, last_seen FROM commerce.schema_drift
WHERE shop_id = $1 AND ($2::timestamptz IS NULL OR first_seen < $2
    OR (first_seen = $2 AND (kind, what) > ($3::text, $4::text)))
ORDER BY first_seen DESC, kind, what
LIMIT $5

-- name: topics
SELECT topics FROM accounts.stores WHERE shop_id = $1

-- name: lock_topics
SELECT topics FROM accounts.stores WHERE shop_id = $1 FOR UPDATE

-- name: choose_topics
UPDATE accounts.stores SET topics = $2 WHERE shop_id = $1
