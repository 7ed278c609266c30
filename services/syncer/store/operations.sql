-- name: plan
INSERT INTO commerce.bulk_operations (
    tenant_id, shop_id, job_id, window_no, search, created_from, created_until, expected
)
SELECT $1, $2, $3, $4 + w.n, w.search, w.start, w.until, w.expected
FROM unnest($5::text[], $6::timestamptz[], $7::timestamptz[], $8::bigint[]) WITH ORDINALITY
    AS w (search, start, until, expected, n)
ON CONFLICT DO NOTHING

-- name: windows
SELECT window_no, search, created_from, created_until, gid, roots_done,
    COALESCE(root_object_count, 0) AS roots, done_at IS NOT NULL AS done, error
FROM commerce.bulk_operations
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND status <> 'split'
ORDER BY created_until DESC NULLS LAST, window_no

-- name: last_number
SELECT max(window_no) FROM commerce.bulk_operations
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3

-- name: lock_slots
SELECT pg_advisory_xact_lock(hashtextextended('bulk slots of ' || $1::text, 0))

-- name: claim_slot
-- Shopify runs five at once for the app in a shop, whichever of our jobs they belong to. Jobs that
-- wait for a slot get their share. What dead processes left is not counted: Shopify knows better.
WITH held AS (
    SELECT b.job_id, b.window_no, b.status
    FROM commerce.bulk_operations b
    JOIN commerce.sync_jobs j USING (tenant_id, shop_id, job_id)
    WHERE b.tenant_id = $1 AND b.shop_id = $2 AND j.status = 'running' AND j.lease_until > now()
        AND b.status IN ('planned', 'starting', 'created', 'running', 'canceling')
), taken AS (
    SELECT * FROM held WHERE status <> 'planned' AND (job_id, window_no) <> ($3, $4)
), waiting AS (
    SELECT count(DISTINCT job_id) AS jobs FROM held WHERE status = 'planned' AND job_id <> $3
)
UPDATE commerce.bulk_operations SET
    status = 'starting', gid = NULL, roots_done = 0, told_at = NULL, started_at = now()
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND window_no = $4
    AND (SELECT count(*) FROM taken) < $5
    AND (SELECT count(*) FROM taken WHERE job_id = $3)
        < ceil($5::numeric / (1 + (SELECT jobs FROM waiting)))
RETURNING true

-- name: note
UPDATE commerce.bulk_operations SET
    gid = $5, status = $6, object_count = $7, root_object_count = $8, url = $9, error = $10,
    started_at = CASE WHEN $5::text IS NULL THEN NULL ELSE COALESCE(started_at, now()) END,
    roots_done = CASE WHEN gid = $5 THEN roots_done ELSE 0 END,
    told_at = CASE WHEN gid = $5 THEN told_at END
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND window_no = $4

-- name: tell
-- Whoever waits for the operation looks at its row.
UPDATE commerce.bulk_operations b SET told_at = now()
FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS d (tenant_id, shop_id, gid)
WHERE b.tenant_id = d.tenant_id AND b.shop_id = d.shop_id AND b.gid = d.gid
    AND b.told_at IS NULL AND b.done_at IS NULL

-- name: was_told
SELECT told_at IS NOT NULL FROM commerce.bulk_operations
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND window_no = $4 AND gid = $5

-- name: count
UPDATE commerce.bulk_operations SET roots_done = roots_done + $5
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND window_no = $4

-- name: done
UPDATE commerce.bulk_operations SET status = 'done', done_at = now(), url = NULL, error = NULL
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND window_no = $4

-- name: split
UPDATE commerce.bulk_operations SET
    status = 'split', done_at = now(), url = NULL, error = $5, roots_done = 0
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND window_no = $4

-- name: reopen
UPDATE commerce.bulk_operations SET
    status = 'planned', gid = NULL, done_at = NULL, roots_done = 0, told_at = NULL, error = $5
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND window_no = $4
