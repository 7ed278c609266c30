-- name: ask
-- A later request renews requested_at, so that an answer already on its way does not settle it.
-- 'refunds' are a backfill's leftovers, the least urgent reason. 'gone: ...' had one null, which is
-- no proof; the second reading comes later. Only what Shopify itself deleted needs no reading.
INSERT INTO commerce.refetches AS t (tenant_id, shop_id, kind, id, reason, requested_at, not_before)
SELECT w.tenant_id, w.shop_id, w.kind, w.id, w.reason, clock_timestamp(),
    CASE WHEN w.reason LIKE 'gone: %' THEN now() + interval '3 minutes' ELSE now() END
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::text[])
    AS w (tenant_id, shop_id, kind, id, reason)
WHERE NOT EXISTS (
    SELECT FROM commerce.tombstones d
    WHERE d.tenant_id = w.tenant_id AND d.shop_id = w.shop_id AND d.kind = w.kind AND d.id = w.id
        AND d.reason = 'webhook'
)
ON CONFLICT (tenant_id, shop_id, kind, id) DO UPDATE SET
    reason = CASE WHEN excluded.reason = 'refunds' THEN t.reason ELSE excluded.reason END,
    requested_at = excluded.requested_at,
    not_before = CASE
        WHEN excluded.reason LIKE 'unreadable%'
            THEN now() + LEAST(2 ^ LEAST(t.attempts, 10), 720) * interval '1 minute'
        WHEN excluded.reason LIKE 'gone: %' THEN excluded.not_before
        ELSE LEAST(t.not_before, now())
    END

-- name: due
-- Shops with live changes first; what is free after every shop had its turn goes to those with most.
-- Walks from group to group and looks at the head of each: a backfill may leave 100,000 wishes.
WITH RECURSIVE groups AS (
    (
        SELECT tenant_id, shop_id, kind FROM commerce.refetches
        ORDER BY tenant_id, shop_id, kind LIMIT 1
    )
    UNION ALL
    SELECT n.* FROM groups g CROSS JOIN LATERAL (
        SELECT r.tenant_id, r.shop_id, r.kind FROM commerce.refetches r
        WHERE (r.tenant_id, r.shop_id, r.kind) > (g.tenant_id, g.shop_id, g.kind)
        ORDER BY r.tenant_id, r.shop_id, r.kind LIMIT 1
    ) AS n
)
SELECT g.tenant_id::text AS tenant_id, g.shop_id, g.kind
FROM groups g
JOIN accounts.stores s USING (tenant_id, shop_id)
CROSS JOIN LATERAL (
    SELECT bool_and(h.leftover) AS leftover, min(h.not_before) AS since, count(*) AS wishes
    FROM (
        SELECT r.reason = 'refunds' AS leftover, r.not_before FROM commerce.refetches r
        WHERE r.tenant_id = g.tenant_id AND r.shop_id = g.shop_id AND r.kind = g.kind
            AND r.not_before <= now()
        ORDER BY r.reason = 'refunds', r.attempts, r.not_before, r.id
        LIMIT 25 * $1::bigint
    ) AS h
) AS d
CROSS JOIN LATERAL generate_series(1, LEAST($1::bigint, 1 + d.wishes / 25)) AS turn
WHERE s.status = 'active' AND d.wishes > 0
ORDER BY turn, d.leftover, d.since
LIMIT $1

-- name: claim
-- Claiming moves not_before to the end of a lease, so a dead reader's rows come back by themselves.
WITH mine AS (
    SELECT tenant_id, shop_id, kind, id FROM commerce.refetches
    WHERE tenant_id = $1 AND shop_id = $2 AND kind = $3 AND not_before <= now()
    ORDER BY reason = 'refunds', attempts, not_before, id
    LIMIT $4
    FOR UPDATE SKIP LOCKED
)
UPDATE commerce.refetches r SET
    not_before = now() + interval '60 seconds', attempts = r.attempts + 1
FROM mine m
WHERE r.tenant_id = m.tenant_id AND r.shop_id = m.shop_id AND r.kind = m.kind AND r.id = m.id
RETURNING r.id, r.attempts, r.requested_at, r.reason

-- name: settle
-- A wish renewed since it was claimed stays.
DELETE FROM commerce.refetches r
USING unnest($4::bigint[], $5::timestamptz[]) AS a (id, requested_at)
WHERE r.tenant_id = $1 AND r.shop_id = $2 AND r.kind = $3
    AND r.id = a.id AND r.requested_at = a.requested_at

-- name: overtaken
-- Claimed wishes that another reader has answered since.
SELECT a.id FROM unnest($4::bigint[]) AS a (id)
WHERE NOT EXISTS (
    SELECT FROM commerce.refetches r
    WHERE r.tenant_id = $1 AND r.shop_id = $2 AND r.kind = $3 AND r.id = a.id
)

-- name: postpone
UPDATE commerce.refetches SET not_before = now() + $5::interval
WHERE tenant_id = $1 AND shop_id = $2 AND kind = $3 AND id = ANY($4::bigint[])
