-- name: add_changes
-- Told is what changed since the store was connected, so a first full sync tells of nothing that the
-- merchant did before. The clocks of Shopify and ours may differ by some minutes.
INSERT INTO commerce.domain_events AS e
    (tenant_id, shop_id, type, object_id, location_id, updated_at, deleted)
SELECT c.tenant_id, c.shop_id, c.type, c.object_id, c.location_id, max(c.updated_at),
    bool_or(c.deleted)
FROM unnest(
    $1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::boolean[]
) AS c (tenant_id, shop_id, type, object_id, location_id, updated_at, deleted)
JOIN accounts.stores s ON s.tenant_id = c.tenant_id AND s.shop_id = c.shop_id
WHERE COALESCE(c.updated_at, now()) >= s.connected_at - interval '5 minutes'
    AND c.tenant_id = ANY (ARRAY(
        SELECT t FROM unnest($1::uuid[]) AS t GROUP BY t HAVING commerce.is_listened_to(t)
    ))
GROUP BY c.tenant_id, c.shop_id, c.type, c.object_id, c.location_id
ORDER BY c.tenant_id, c.shop_id, c.type, c.object_id, c.location_id
ON CONFLICT (tenant_id, shop_id, type, object_id, location_id)
    WHERE leased_until IS NULL AND object_id <> 0
DO UPDATE SET updated_at = GREATEST(e.updated_at, excluded.updated_at), deleted = excluded.deleted,
    occurred_at = excluded.occurred_at

-- name: add_sync_completed
INSERT INTO commerce.domain_events (tenant_id, shop_id, type, details)
SELECT $1::uuid, $2, 'sync.completed',
    jsonb_build_object('resource', $3::text, 'mode', $4::text, 'job_id', $5::uuid)
WHERE commerce.is_listened_to($1::uuid)

-- name: claim
-- Of one object only the oldest event is taken, so that they leave in order.
WITH claimed AS (
    SELECT d.tenant_id, d.shop_id, d.event_id FROM commerce.domain_events d
    WHERE (d.leased_until IS NULL OR d.leased_until < now()) AND NOT EXISTS (
        SELECT FROM commerce.domain_events o
        WHERE d.object_id <> 0 AND o.tenant_id = d.tenant_id AND o.shop_id = d.shop_id
            AND o.type = d.type AND o.object_id = d.object_id AND o.location_id = d.location_id
            AND o.place < d.place
    )
    ORDER BY d.place
    LIMIT $1
    FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE commerce.domain_events e SET leased_until = now() + $2::double precision * interval '1 second'
    FROM claimed c
    WHERE e.tenant_id = c.tenant_id AND e.shop_id = c.shop_id AND e.event_id = c.event_id
    RETURNING e.*
)
SELECT t.event_id, t.tenant_id, t.shop_id, s.shop_domain, t.type, t.object_id, t.location_id,
    t.updated_at, t.deleted, t.details, t.occurred_at
FROM taken t LEFT JOIN accounts.stores s ON s.tenant_id = t.tenant_id AND s.shop_id = t.shop_id
ORDER BY t.place

-- name: handed_on
DELETE FROM commerce.domain_events e
USING unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS d (tenant_id, shop_id, event_id)
WHERE e.tenant_id = d.tenant_id AND e.shop_id = d.shop_id AND e.event_id = d.event_id
