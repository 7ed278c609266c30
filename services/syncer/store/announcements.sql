-- name: add
INSERT INTO commerce.announcements (tenant_id, shop_id, event_id, type, body)
SELECT e.tenant_id, e.shop_id, e.event_id, e.type, e.body
FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[])
    WITH ORDINALITY AS e (tenant_id, shop_id, event_id, type, body, place)
ORDER BY e.place
ON CONFLICT (tenant_id, shop_id, event_id) DO NOTHING

-- name: turn
-- One publishes at a time, so that events leave in order.
SELECT pg_try_advisory_xact_lock(hashtextextended('announcements', 0))

-- name: oldest
SELECT place, event_id::text AS announced_id, type AS topic, body
FROM commerce.announcements ORDER BY place LIMIT $1

-- name: published
DELETE FROM commerce.announcements WHERE place = ANY ($1::bigint[])
