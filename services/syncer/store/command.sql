-- name: store
-- The one that lives under that name; else the one that left it, or was disconnected, last.
SELECT s.tenant_id::text AS tenant_id, s.shop_id, s.status, s.status_reason
FROM accounts.stores s LEFT JOIN accounts.store_domains d
    ON d.tenant_id = s.tenant_id AND d.shop_id = s.shop_id AND d.domain = $1
WHERE s.shop_domain = $1 OR s.shop_id::text = $1 OR d.domain = $1
ORDER BY s.status = 'disconnected', d.domain IS NOT NULL, d.until DESC, s.disconnected_at DESC
LIMIT 1

-- name: domains
SELECT shop_domain FROM accounts.stores WHERE status = 'active' ORDER BY shop_domain LIMIT $1

-- name: status
SELECT status, status_reason FROM accounts.stores WHERE tenant_id = $1 AND shop_id = $2

-- name: copied
-- Resources of which something was copied, so that there is something to compare.
SELECT kind FROM commerce.sync_state
WHERE tenant_id = $1 AND shop_id = $2 AND cursor_updated_at IS NOT NULL AND kind = ANY($3::text[])

-- name: queue
-- A job that waits takes on the wish to repair; one that runs goes on as it began.
INSERT INTO commerce.sync_jobs AS t (tenant_id, shop_id, kind, mode, trigger, requested_by, repair)
SELECT $1, $2, k.kind, $4, 'manual', 'command line', $5 FROM unnest($3::text[]) AS k (kind)
ON CONFLICT (tenant_id, shop_id, kind, mode) WHERE status IN ('queued', 'running')
DO UPDATE SET repair = t.repair OR excluded.repair
WHERE t.status = 'queued' AND t.started_at IS NULL

-- name: live
SELECT job_id, kind, repair FROM commerce.sync_jobs
WHERE tenant_id = $1 AND shop_id = $2 AND kind = ANY($3::text[]) AND mode = $4
    AND status IN ('queued', 'running')
ORDER BY array_position($3::text[], kind)

-- name: progress
-- Idle: nobody has it in hand although it is due.
SELECT p.job_id, p.kind, p.mode, p.status, p.stage, p.rows_done, p.rows_total, p.percent,
    p.rate::float8 AS rate, p.eta, p.error, p.warning,
    j.not_before < now() AND COALESCE(j.lease_until < now(), true) AS idle
FROM commerce.job_progress p JOIN commerce.sync_jobs j USING (tenant_id, shop_id, job_id)
WHERE p.tenant_id = $1 AND p.shop_id = $2 AND p.job_id = ANY($3::uuid[])
ORDER BY array_position($3::uuid[], p.job_id)

-- name: verifications
SELECT job_id, resource, ours, theirs, compared, differences, repaired, pending, settled_until,
    repair, started_at, finished_at
FROM commerce.verifications
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = ANY($3::uuid[])
ORDER BY array_position($3::uuid[], job_id)

-- name: differences
SELECT v.resource, d.id, d.what, d.columns, d.details, d.ours_hash, d.theirs_hash, d.repaired_at
FROM commerce.verification_differences d
JOIN commerce.verifications v USING (tenant_id, shop_id, job_id)
WHERE d.tenant_id = $1 AND d.shop_id = $2 AND d.job_id = ANY($3::uuid[])
ORDER BY array_position($3::uuid[], job_id), d.what = 'pending', d.id
LIMIT $4

-- name: resources
SELECT r.resource, COALESCE(c.state, 'unknown') AS state, c.reason, s.cursor_updated_at AS cursor,
    s.last_success_at, s.last_error, v.rows, v.oldest, v.newest, v.complete_since,
    extract(epoch FROM v.lag)::float8 AS lag_seconds
FROM unnest($3::text[]) WITH ORDINALITY AS r (resource, place)
LEFT JOIN commerce.capabilities c
    ON c.tenant_id = $1 AND c.shop_id = $2 AND c.resource = r.resource
LEFT JOIN commerce.sync_state s ON s.tenant_id = $1 AND s.shop_id = $2 AND s.kind = r.resource
LEFT JOIN commerce.coverage v ON v.tenant_id = $1 AND v.shop_id = $2 AND v.resource = r.resource
ORDER BY r.place

-- name: shop
SELECT
    (
        SELECT count(*) FROM commerce.webhook_subscriptions WHERE tenant_id = $1 AND shop_id = $2
    ) AS topics,
    (
        SELECT max(received_at) FROM commerce.webhook_events WHERE tenant_id = $1 AND shop_id = $2
    ) AS last_webhook_at,
    (
        SELECT count(*) FROM commerce.refetches WHERE tenant_id = $1 AND shop_id = $2
    ) AS pending_reads,
    j.running, j.waiting, j.idle,
    u.requests, u.points, u.throttled
FROM (
    SELECT count(*) FILTER (WHERE lease_until >= now()) AS running,
        count(*) FILTER (WHERE lease_until IS NULL OR lease_until < now()) AS waiting,
        COALESCE(bool_or(
            not_before < now() - interval '10 seconds'
            AND COALESCE(lease_until < now(), true)
        ), false) AS idle
    FROM commerce.sync_jobs
    WHERE tenant_id = $1 AND shop_id = $2 AND status IN ('queued', 'running')
) AS j
LEFT JOIN pacing.usage_daily u
    ON u.tenant_id = $1 AND u.shop_id = $2 AND u.day = (now() AT TIME ZONE 'UTC')::date
