-- name: wanted
SELECT states, topic, webhook_id, event_id, resource_id, order_name, received_from, received_to, rate,
    place_received_at, place_topic, place_webhook_id
FROM commerce.replays WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3

-- name: known_filters
-- The planner must see which filters there are.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true)

-- name: left
SELECT count(*)
FROM commerce.events_matching($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS m
WHERE m.body IS NOT NULL AND (m.received_at, m.topic, m.webhook_id)
    > (COALESCE($11::timestamptz, '-infinity'), COALESCE($12::text, ''), COALESCE($13::text, ''))

-- name: next_events
-- Up to so many, and of large bodies fewer; in the order of receipt, as they came the first time.
WITH page AS (
    SELECT m.topic, m.webhook_id, m.received_at, octet_length(m.body) AS size
    FROM commerce.events_matching($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS m
    WHERE m.body IS NOT NULL AND (m.received_at, m.topic, m.webhook_id)
        > (COALESCE($11::timestamptz, '-infinity'), COALESCE($12::text, ''), COALESCE($13::text, ''))
    ORDER BY m.received_at, m.topic, m.webhook_id
    LIMIT $14
), weighed AS (
    SELECT *, sum(size) OVER (ORDER BY received_at, topic, webhook_id) - size AS before FROM page
)
SELECT e.topic, e.webhook_id, e.event_id, e.triggered_at, e.received_at, e.api_version, e.state, e.body
FROM weighed w JOIN commerce.webhook_events e
    ON e.tenant_id = $1 AND e.shop_id = $2 AND e.webhook_id = w.webhook_id AND e.topic = w.topic
WHERE w.before < $15 AND e.body IS NOT NULL
ORDER BY e.received_at, e.topic, e.webhook_id
FOR UPDATE OF e

-- name: settle
UPDATE commerce.webhook_events e SET
    state = d.state, error = d.error, replayed_at = clock_timestamp(), replays = e.replays + 1,
    processed_at = CASE WHEN e.state = d.state THEN e.processed_at ELSE clock_timestamp() END,
    outcome = CASE WHEN e.state = d.state THEN e.outcome ELSE d.outcome END,
    resource_id = COALESCE(d.resource_id, e.resource_id),
    resource_name = CASE WHEN d.state = 'dead' THEN e.resource_name END
FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[])
    AS d (topic, webhook_id, state, error, outcome, resource_id)
WHERE e.tenant_id = $1 AND e.shop_id = $2 AND e.topic = d.topic AND e.webhook_id = d.webhook_id

-- name: advance
UPDATE commerce.replays SET
    place_received_at = $4, place_topic = $5, place_webhook_id = $6, replayed = replayed + $7,
    applied = applied + $8, stale = stale + $9, ignored = ignored + $10, dead = dead + $11
WHERE tenant_id = $1 AND shop_id = $2 AND job_id = $3

-- name: domains
-- Every name that the shop has or had, the present one first.
SELECT s.shop_domain, ARRAY(
    SELECT d.domain FROM accounts.store_domains d
    WHERE d.tenant_id = s.tenant_id AND d.shop_id = s.shop_id
) AS former
FROM accounts.stores s WHERE s.tenant_id = $1 AND s.shop_id = $2
