-- name: record
-- A delivery that is already here inserts nothing and is not returned.
INSERT INTO commerce.webhook_events (
    tenant_id, shop_id, topic, webhook_id, event_id, triggered_at, received_at, api_version,
    resource_id, body_sha256, body, state, error
)
SELECT * FROM unnest(
    $1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
    $7::timestamptz[], $8::text[], $9::bigint[], $10::bytea[], $11::bytea[], $12::text[], $13::text[]
)
ON CONFLICT (tenant_id, shop_id, topic, webhook_id) DO NOTHING
RETURNING tenant_id::text AS tenant_id, shop_id, topic, webhook_id

-- name: known
SELECT e.tenant_id::text AS tenant_id, e.shop_id, e.topic, e.webhook_id
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[])
    AS d (tenant_id, shop_id, topic, webhook_id)
JOIN commerce.webhook_events e USING (tenant_id, shop_id, topic, webhook_id)

-- name: known_bodies
SELECT DISTINCT e.tenant_id::text AS tenant_id, e.shop_id, e.topic, e.body_sha256
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bytea[])
    AS d (tenant_id, shop_id, topic, body_sha256)
JOIN commerce.webhook_events e USING (tenant_id, shop_id, topic, body_sha256)
WHERE e.state IN ('applied', 'stale') AND e.received_at > now() - interval '7 days'

-- name: settle
UPDATE commerce.webhook_events e SET state = 'stale'
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[])
    AS d (tenant_id, shop_id, topic, webhook_id)
WHERE e.tenant_id = d.tenant_id AND e.shop_id = d.shop_id
    AND e.topic = d.topic AND e.webhook_id = d.webhook_id

-- name: large_body
SELECT body FROM intake.bodies WHERE tenant_id = $1 AND shop_id = $2 AND body_id = $3
