-- name: remember
-- What Shopify once showed stays ours: a limit moves on, but not what we hold since. What fails fails
-- until a job succeeds: a probe only asks whether it would be allowed.
INSERT INTO commerce.capabilities AS t
    (tenant_id, shop_id, resource, state, reason, missing_scopes, complete_since)
SELECT $1, $2, c.resource, c.state, c.reason, string_to_array(c.scopes, ','), c.since
FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
    AS c (resource, state, reason, scopes, since)
ON CONFLICT (tenant_id, shop_id, resource) DO UPDATE SET
    state = CASE WHEN t.state = 'failing' AND excluded.state = 'available'
        THEN t.state ELSE excluded.state END,
    reason = CASE WHEN t.state = 'failing' AND excluded.state = 'available'
        THEN t.reason ELSE excluded.reason END,
    missing_scopes = excluded.missing_scopes,
    complete_since = CASE
        WHEN excluded.state IN ('missing_scope', 'not_on_plan') THEN t.complete_since
        WHEN excluded.complete_since IS NOT NULL
            THEN LEAST(t.complete_since, excluded.complete_since)
    END,
    checked_at = now()

-- name: refuse
-- A refusal says nothing of how far back Shopify shows what it does not refuse.
INSERT INTO commerce.capabilities AS t
    (tenant_id, shop_id, resource, state, reason, missing_scopes)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, shop_id, resource) DO UPDATE SET
    state = excluded.state, reason = excluded.reason, missing_scopes = excluded.missing_scopes,
    checked_at = now()

-- name: states
SELECT resource, state FROM commerce.capabilities WHERE tenant_id = $1 AND shop_id = $2

-- name: limited
SELECT resource FROM commerce.capabilities
WHERE tenant_id = $1 AND shop_id = $2 AND complete_since IS NOT NULL

-- name: note
UPDATE commerce.capabilities SET state = $4, reason = $5
WHERE tenant_id = $1 AND shop_id = $2 AND resource = $3 AND state = 'available'

-- name: works
UPDATE commerce.capabilities SET state = 'available', reason = NULL
WHERE tenant_id = $1 AND shop_id = $2 AND resource = $3 AND state = 'failing'

-- name: refusal
SELECT reason FROM commerce.capabilities
WHERE tenant_id = $1 AND shop_id = $2 AND resource = $3 AND state IN ('missing_scope', 'not_on_plan')

-- name: count
SELECT state, count(*) AS resources FROM commerce.capabilities GROUP BY state
