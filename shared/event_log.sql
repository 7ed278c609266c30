-- name: known_filters
-- The planner must see which filters there are; for this transaction.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true)

-- name: page
WITH page AS (
    SELECT m.tenant_id, m.shop_id, m.topic, m.webhook_id, m.event_id, m.resource_id, m.resource_name,
        m.state, m.error, m.outcome, m.trace_id, m.attempts, m.spooled, m.replays, m.replayed_at,
        m.triggered_at, m.received_at, m.processed_at, m.api_version, m.body IS NOT NULL AS has_body
    FROM commerce.events_matching($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS m
    WHERE (m.received_at, m.topic, m.webhook_id)
        < (COALESCE($11::timestamptz, 'infinity'), COALESCE($12::text, ''), COALESCE($13::text, ''))
    ORDER BY m.received_at DESC, m.topic DESC, m.webhook_id DESC
    LIMIT $14
)
SELECT p.shop_id, p.topic, p.webhook_id, p.event_id, p.resource_id, p.state, p.error, p.outcome,
    replace(p.trace_id::text, '-', '') AS trace_id, p.attempts, p.spooled, p.replays, p.replayed_at,
    p.triggered_at, p.received_at, p.processed_at, p.api_version, p.has_body,
    COALESCE(o.name, p.resource_name) AS order_name
FROM page p LEFT JOIN commerce.orders o
    ON o.tenant_id = p.tenant_id AND o.shop_id = p.shop_id AND o.order_id = p.resource_id
    AND split_part(p.topic, '/', 1)
        IN ('orders', 'order_transactions', 'refunds', 'fulfillments', 'returns')
ORDER BY p.received_at DESC, p.topic DESC, p.webhook_id DESC

-- name: topics_of
SELECT topic FROM commerce.webhook_events
WHERE tenant_id = $1 AND shop_id = $2 AND webhook_id = $3 AND ($4::text IS NULL OR topic = $4)
ORDER BY topic

-- name: body
SELECT body FROM commerce.webhook_events
WHERE tenant_id = $1 AND shop_id = $2 AND webhook_id = $3 AND topic = $4

-- name: steps
SELECT step, at, milliseconds::float8 AS milliseconds, detail FROM analytics.delivery_steps
WHERE tenant_id = $1 AND shop_id = $2 AND webhook_id = $3 AND topic = $4
ORDER BY place

-- name: counts
SELECT CASE grouping(m.topic, m.hour) WHEN 3 THEN 'state' WHEN 1 THEN 'topic' ELSE 'hour' END AS per,
    m.state, m.topic, m.hour, count(*) AS deliveries
FROM (
    SELECT state, topic, date_trunc('hour', received_at) AS hour
    FROM commerce.events_matching($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
) AS m
GROUP BY GROUPING SETS ((m.state), (m.state, m.topic), (m.state, m.hour))
ORDER BY per, m.hour, m.topic, m.state

-- name: matching
-- What a replay of these would find now.
SELECT count(*) FILTER (WHERE m.body IS NOT NULL) AS deliveries,
    count(*) FILTER (WHERE m.body IS NULL) AS without_body
FROM commerce.events_matching(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, LEAST(COALESCE($10::timestamptz, now()), now())
) AS m

-- name: ask_replay
WITH job AS (
    INSERT INTO commerce.sync_jobs (tenant_id, shop_id, kind, mode, trigger, requested_by)
    VALUES ($1, $2, 'webhooks', 'replay', 'manual', $12)
    ON CONFLICT (tenant_id, shop_id, kind, mode) WHERE status IN ('queued', 'running') DO NOTHING
    RETURNING job_id
)
INSERT INTO commerce.replays (
    tenant_id, shop_id, job_id, states, topic, webhook_id, event_id, resource_id, order_name,
    received_from, received_to, rate
)
SELECT $1, $2, job_id, $3, $4, $5, $6, $7, $8, $9, LEAST(COALESCE($10::timestamptz, now()), now()), $11
FROM job
RETURNING job_id

-- name: live_replay
-- same: whether it answers the same wish; without an end the wish means until now.
SELECT r.job_id, (r.states, r.topic, r.webhook_id, r.event_id, r.resource_id, r.order_name,
        r.received_from, r.rate)
    IS NOT DISTINCT FROM ($3::text[], $4::text, $5::text, $6::text, $7::bigint, $8::text,
        $9::timestamptz, $11::float8)
    AND ($10::timestamptz IS NULL OR r.received_to = $10) AS same
FROM commerce.replays r JOIN commerce.sync_jobs j USING (tenant_id, shop_id, job_id)
WHERE r.tenant_id = $1 AND r.shop_id = $2 AND j.status IN ('queued', 'running')

-- name: end_replay
-- The syncer that works at it finds its lease gone with the next part, and undoes that part.
UPDATE commerce.sync_jobs SET
    status = 'cancelled', error = 'ended by ' || $4, finished_at = now(),
    lease_id = NULL, lease_until = NULL
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3 AND kind = 'webhooks'
    AND status IN ('queued', 'running')
RETURNING job_id

-- name: replays
SELECT r.job_id, r.shop_id, j.status, j.requested_by, r.states, r.topic, r.webhook_id, r.event_id,
    r.resource_id, r.order_name, r.received_from, r.received_to, r.rate AS per_second, r.replayed,
    r.applied, r.stale, r.ignored, r.dead, p.rows_total AS deliveries, p.percent,
    p.eta AS eta_seconds, j.error, j.created_at, j.started_at, j.finished_at
FROM commerce.replays r
JOIN commerce.sync_jobs j USING (tenant_id, shop_id, job_id)
JOIN commerce.job_progress p USING (tenant_id, shop_id, job_id)
WHERE r.tenant_id = $1 AND r.shop_id = $2 AND ($3::uuid IS NULL OR r.job_id = $3)
    AND (j.created_at, j.job_id) < (COALESCE($4::timestamptz, 'infinity'), COALESCE($5::uuid, j.job_id))
ORDER BY j.created_at DESC, j.job_id DESC
LIMIT $6
