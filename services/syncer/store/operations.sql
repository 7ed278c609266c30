-- name: plan
INSERT INTO commerce.bulk_operations (tenant_id, shop_id, job_id, window_no, search)
SELECT $1, $2, $3, w.n, w.search FROM unnest($4::text[]) WITH ORDINALITY AS w (search, n)
ON CONFLICT DO NOTHING

-- name: windows
SELECT window_no, search, gid, status, done_at IS NOT NULL AS done, root_object_count
FROM commerce.bulk_operations
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3
ORDER BY window_no

-- name: note
UPDATE commerce.bulk_operations SET
    gid = $5, status = $6, object_count = $7, root_object_count = $8, url = $9, error = $10,
    started_at = CASE WHEN $5::text IS NULL THEN NULL ELSE COALESCE(started_at, now()) END,
    roots_done = 0
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND window_no = $4

-- name: count
UPDATE commerce.bulk_operations SET roots_done = roots_done + $5
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND window_no = $4

-- name: done
UPDATE commerce.bulk_operations SET status = 'done', done_at = now(), url = NULL, error = NULL
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND window_no = $4
