-- name: bodies
-- What a delivery did stays on record; what it said does not.
WITH old AS (
    SELECT tenant_id, shop_id, topic, webhook_id FROM commerce.webhook_events
    WHERE received_at < now() - interval '14 days' AND body IS NOT NULL
    ORDER BY received_at LIMIT $1
    FOR UPDATE SKIP LOCKED
)
UPDATE commerce.webhook_events e SET body = NULL
FROM old o
WHERE e.tenant_id = o.tenant_id AND e.shop_id = o.shop_id AND e.topic = o.topic
    AND e.webhook_id = o.webhook_id

-- name: events
-- Store by store, through the index that searches use: one by time alone would cost each delivery. The
-- newest of a store stays, so that its silence can be told. What could not be applied stays four times
-- as long. Rows are deleted by their places alone, which no statistics can make the planner look for.
WITH old AS (
    SELECT e.place
    FROM accounts.stores s
    CROSS JOIN LATERAL (
        SELECT w.ctid AS place FROM commerce.webhook_events w
        WHERE w.tenant_id = s.tenant_id AND w.shop_id = s.shop_id
            AND w.received_at < now() - $2::interval
            AND w.received_at < (
                SELECT max(n.received_at) FROM commerce.webhook_events n
                WHERE n.tenant_id = s.tenant_id AND n.shop_id = s.shop_id
            )
            AND (w.state <> 'dead' OR w.received_at < now() - 4 * $2::interval)
        ORDER BY w.received_at LIMIT $1
        FOR UPDATE SKIP LOCKED
    ) AS e
    LIMIT $1
)
DELETE FROM commerce.webhook_events WHERE ctid = ANY (ARRAY(SELECT place FROM old))

-- name: jobs
WITH old AS (
    DELETE FROM commerce.sync_jobs j
    USING (
        SELECT tenant_id, shop_id, job_id FROM commerce.sync_jobs
        WHERE finished_at < now() - interval '30 days'
        ORDER BY finished_at LIMIT $1
        FOR UPDATE SKIP LOCKED
    ) AS o
    WHERE j.tenant_id = o.tenant_id AND j.shop_id = o.shop_id AND j.job_id = o.job_id
    RETURNING j.tenant_id, j.shop_id, j.job_id
), operations AS (
    DELETE FROM commerce.bulk_operations b USING old o
    WHERE b.tenant_id = o.tenant_id AND b.shop_id = o.shop_id AND b.job_id = o.job_id
)
SELECT job_id FROM old

-- name: announcements
-- Only where nothing publishes them any more, or RabbitMQ was away for as long.
DELETE FROM commerce.announcements WHERE place = ANY (ARRAY(
    SELECT place FROM commerce.announcements
    WHERE queued_at < now() - interval '30 days' ORDER BY place LIMIT $1
))

-- name: messages
-- Their attempts go with them.
DELETE FROM commerce.outgoing_messages m
USING (
    SELECT tenant_id, shop_id, endpoint_id, event_id FROM commerce.outgoing_messages
    WHERE created_at < now() - interval '30 days' LIMIT $1
) AS old
WHERE m.tenant_id = old.tenant_id AND m.shop_id = old.shop_id
    AND m.endpoint_id = old.endpoint_id AND m.event_id = old.event_id
