-- name: freshness
-- What waits on the broker has no row yet: the lag of the last delivery tells of it.
SELECT
    (SELECT max(received_at) FROM commerce.webhook_events WHERE shop_id = $1) AS last_received_at,
    applied.processed_at AS last_applied_at,
    extract(epoch FROM newest.processed_at - newest.received_at)::float8 AS lag_seconds,
    spool.spooled, dead.dead, LEAST(spool.oldest, dead.oldest) AS oldest_unapplied_at
FROM (SELECT) AS one
LEFT JOIN LATERAL (
    SELECT received_at, processed_at FROM commerce.webhook_events
    WHERE shop_id = $1 ORDER BY received_at DESC LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT processed_at FROM commerce.webhook_events
    WHERE shop_id = $1 AND state = 'applied' ORDER BY received_at DESC LIMIT 1
) AS applied ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS spooled, min(spooled_at) AS oldest FROM intake.spool WHERE shop_id = $1
) AS spool
CROSS JOIN LATERAL (
    SELECT count(*) AS dead, min(received_at) AS oldest FROM commerce.webhook_events
    WHERE shop_id = $1 AND state = 'dead'
) AS dead

-- name: polled
SELECT r.resource, s.last_polled_at, s.last_success_at, s.cursor_updated_at AS cursor,
    extract(epoch FROM now() - s.cursor_updated_at)::bigint AS lag_seconds
FROM unnest($2::text[]) WITH ORDINALITY AS r (resource, place)
LEFT JOIN commerce.sync_state s ON s.shop_id = $1 AND s.kind = r.resource
ORDER BY r.place
