-- name: ask
-- A later request renews requested_at, so that an answer already on its way does not settle it.
-- 'refunds' are a backfill's leftovers; they and what 'follows' another object are least urgent. 'gone: ...' had one null, which is
-- no proof; the second reading comes later, and begins anew when somebody speaks of the object
-- again. Only what Shopify itself deleted needs no reading. The ledger that follows an order waits for the
-- end of the burst of deliveries around one change, and for an app that may read it. All in one statement,
-- whose rows come in one order: two statements of two transactions would wait for each other.
INSERT INTO commerce.refetches AS t (tenant_id, shop_id, kind, id, reason, requested_at, not_before)
SELECT w.tenant_id, w.shop_id, w.kind, w.id, w.reason, clock_timestamp(),
    CASE
        WHEN w.reason LIKE 'gone: %' THEN now() + interval '3 minutes'
        WHEN (w.kind, w.reason) = ('order_details', 'follows') THEN now() + interval '5 seconds'
        ELSE now()
    END
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::text[])
    AS w (tenant_id, shop_id, kind, id, reason)
WHERE NOT EXISTS (
    SELECT FROM commerce.tombstones d
    WHERE d.tenant_id = w.tenant_id AND d.shop_id = w.shop_id AND d.kind = w.kind AND d.id = w.id
        AND d.reason IN ('webhook', 'merged')
) AND ((w.kind, w.reason) <> ('order_details', 'follows') OR EXISTS (
    SELECT FROM commerce.capabilities c
    WHERE c.tenant_id = w.tenant_id AND c.shop_id = w.shop_id AND c.resource = 'order_details'
        AND c.state NOT IN ('missing_scope', 'not_on_plan')
))
ON CONFLICT (tenant_id, shop_id, kind, id) DO UPDATE SET
    reason = CASE WHEN excluded.reason IN ('refunds', 'follows') AND t.reason NOT LIKE 'gone: %'
        THEN t.reason ELSE excluded.reason END,
    requested_at = excluded.requested_at,
    not_before = CASE
        WHEN excluded.reason LIKE 'unreadable%'
            THEN now() + LEAST(2 ^ LEAST(t.attempts, 10), 720) * interval '1 minute'
        WHEN excluded.reason LIKE 'gone: %' THEN excluded.not_before
        ELSE LEAST(t.not_before, excluded.not_before)
    END

-- name: ask_for_pending
-- Where customers pay on delivery most orders are pending for weeks: each is read again only when half
-- as much time has passed since the last reading as since the payment began.
INSERT INTO commerce.refetches AS t (tenant_id, shop_id, kind, id, reason)
SELECT p.tenant_id, p.shop_id, 'order', p.order_id, 'follows'
FROM commerce.transactions p JOIN commerce.orders o USING (tenant_id, shop_id, order_id)
WHERE p.tenant_id = $1 AND p.shop_id = $2 AND p.status = 'pending'
    AND p.created_at > now() - interval '30 days' AND o.deleted_at IS NULL
    AND now() - o.synced_at > (o.synced_at - p.created_at) / 2
GROUP BY p.tenant_id, p.shop_id, p.order_id
ORDER BY p.order_id
ON CONFLICT (tenant_id, shop_id, kind, id) DO NOTHING

-- name: ask_for_ruled
INSERT INTO commerce.refetches AS t (tenant_id, shop_id, kind, id, reason)
SELECT tenant_id, shop_id, 'collection', collection_id, 'follows' FROM commerce.collections
WHERE tenant_id = $1 AND shop_id = $2 AND deleted_at IS NULL AND rules IS NOT NULL
ORDER BY collection_id
ON CONFLICT (tenant_id, shop_id, kind, id) DO NOTHING

-- name: due
-- Shops with live changes first; what is free after every shop had its turn goes to those with most.
-- Walks from group to group and looks at the head of each: a backfill may leave 100,000 wishes. Kinds
-- that this release does not know and resources that cannot be read wait. $4 and $5 say how many
-- groups of which shops are being read already, $6 and $7 how many may be, all or of leftovers.
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
), turns AS (
    SELECT g.tenant_id, g.shop_id, g.kind, turn, d.leftover, d.since, row_number() OVER (
        PARTITION BY g.tenant_id, g.shop_id ORDER BY turn, d.leftover, d.since
    ) AS place
    FROM groups g
    JOIN accounts.stores s USING (tenant_id, shop_id)
    JOIN unnest($2::text[], $3::text[]) AS known (kind, resource) USING (kind)
    CROSS JOIN LATERAL (
        SELECT bool_and(h.leftover) AS leftover, min(h.not_before) AS since, count(*) AS wishes
        FROM (
            SELECT r.reason IN ('refunds', 'follows') AS leftover, r.not_before
            FROM commerce.refetches r
            WHERE r.tenant_id = g.tenant_id AND r.shop_id = g.shop_id AND r.kind = g.kind
                AND r.not_before <= now()
            ORDER BY r.reason IN ('refunds', 'follows'), r.attempts, r.not_before, r.id
            LIMIT 25 * $1::bigint
        ) AS h
    ) AS d
    CROSS JOIN LATERAL generate_series(1, LEAST($1::bigint, 1 + d.wishes / 25)) AS turn
    WHERE s.status = 'active' AND d.wishes > 0 AND NOT EXISTS (
        SELECT FROM commerce.capabilities c
        WHERE c.tenant_id = g.tenant_id AND c.shop_id = g.shop_id AND c.resource = known.resource
            AND c.state IN ('missing_scope', 'not_on_plan')
    )
)
SELECT t.tenant_id::text AS tenant_id, t.shop_id, t.kind
FROM turns t
LEFT JOIN unnest($4::bigint[], $5::bigint[]) AS busy (shop_id, groups) USING (shop_id)
WHERE COALESCE(busy.groups, 0) + t.place <= CASE WHEN t.leftover THEN $7::bigint ELSE $6 END
ORDER BY t.turn, t.leftover, t.since
LIMIT $1

-- name: claim
-- Claiming moves not_before to the end of a lease, so a dead reader's rows come back by themselves.
WITH mine AS (
    SELECT tenant_id, shop_id, kind, id FROM commerce.refetches
    WHERE tenant_id = $1 AND shop_id = $2 AND kind = $3 AND not_before <= now()
    ORDER BY reason IN ('refunds', 'follows'), attempts, not_before, id
    LIMIT $4
    FOR UPDATE SKIP LOCKED
)
UPDATE commerce.refetches r SET
    not_before = now() + interval '60 seconds', attempts = r.attempts + 1
FROM mine m
WHERE r.tenant_id = m.tenant_id AND r.shop_id = m.shop_id AND r.kind = m.kind AND r.id = m.id
RETURNING r.id, r.attempts, r.requested_at, r.reason

-- name: hold
-- Whoever still reads keeps his wishes, but not those that were renewed or went to somebody else.
UPDATE commerce.refetches r SET not_before = now() + interval '60 seconds'
FROM unnest($4::bigint[], $5::timestamptz[]) AS a (id, requested_at)
WHERE r.tenant_id = $1 AND r.shop_id = $2 AND r.kind = $3
    AND r.id = a.id AND r.requested_at = a.requested_at AND r.not_before > now()

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
