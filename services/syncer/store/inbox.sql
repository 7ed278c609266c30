-- name: record
-- A delivery that is already here inserts nothing and is not returned. The clock, not the begin of
-- the transaction: everything else is written by then.
INSERT INTO commerce.webhook_events (
    tenant_id, shop_id, topic, webhook_id, event_id, triggered_at, received_at, api_version,
    resource_id, resource_name, body_sha256, body, state, error, outcome, trace_id, handed_at,
    spooled, taken_at, attempts, processed_at
)
SELECT d.*, clock_timestamp() FROM unnest(
    $1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
    $7::timestamptz[], $8::text[], $9::bigint[], $10::text[], $11::bytea[], $12::bytea[],
    $13::text[], $14::text[], $15::text[], $16::uuid[], $17::timestamptz[], $18::boolean[],
    $19::timestamptz[], $20::integer[]
) AS d
ON CONFLICT (tenant_id, shop_id, webhook_id, topic) DO NOTHING
RETURNING tenant_id::text AS tenant_id, shop_id, topic, webhook_id

-- name: known
-- The next key from each one on: only the primary key gives that cheaply. A plan made while the table
-- was empty would take any index for an equality, and keep to it.
SELECT e.tenant_id::text AS tenant_id, e.shop_id, e.topic, e.webhook_id
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[])
    AS d (tenant_id, shop_id, topic, webhook_id)
CROSS JOIN LATERAL (
    SELECT * FROM commerce.webhook_events e
    WHERE (e.tenant_id, e.shop_id, e.webhook_id, e.topic)
        >= (d.tenant_id, d.shop_id, d.webhook_id, d.topic)
    ORDER BY e.tenant_id, e.shop_id, e.webhook_id, e.topic LIMIT 1
) AS e
WHERE (e.tenant_id, e.shop_id, e.webhook_id, e.topic)
    = (d.tenant_id, d.shop_id, d.webhook_id, d.topic)

-- name: known_bodies
-- Of twins the oldest is looked at: where it died or is long ago, the next is written once more, which
-- changes nothing.
SELECT e.tenant_id::text AS tenant_id, e.shop_id, e.topic, e.body_sha256
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bytea[])
    AS d (tenant_id, shop_id, topic, body_sha256)
CROSS JOIN LATERAL (
    SELECT * FROM commerce.webhook_events e
    WHERE (e.tenant_id, e.shop_id, e.topic, e.body_sha256)
        >= (d.tenant_id, d.shop_id, d.topic, d.body_sha256)
    ORDER BY e.tenant_id, e.shop_id, e.topic, e.body_sha256 LIMIT 1
) AS e
WHERE (e.tenant_id, e.shop_id, e.topic, e.body_sha256)
    = (d.tenant_id, d.shop_id, d.topic, d.body_sha256)
    AND e.state IN ('applied', 'stale', 'duplicate')
    AND e.received_at > now() - interval '7 days'

-- name: large_body
SELECT body FROM intake.bodies WHERE tenant_id = $1 AND shop_id = $2 AND body_id = $3
