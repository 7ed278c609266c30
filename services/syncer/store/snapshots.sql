-- name: lock_kinds
-- Writers of a kind share its lock; a deletion takes it alone, so that no writer which has not
-- seen the tombstone yet can bring the object back. Whether anybody is told of changes is asked in
-- passing: it costs no statement of its own. So is the statement's time bounded: who waits for the locks of a
-- writer that froze gives its own back. The writer itself is ended by services/syncer/frozen.py.
SELECT CASE WHEN w.alone
    THEN pg_advisory_xact_lock(hashtextextended(w.key, 0))
    ELSE pg_advisory_xact_lock_shared(hashtextextended(w.key, 0))
END, (
    -- As commerce.is_listened_to says it: a call would cost 0.1 ms, which this does not.
    SELECT COALESCE(current_setting('tillstream.domain_events', true), '') = 'on' OR EXISTS (
        SELECT FROM accounts.webhook_endpoints e
        WHERE e.disabled_at IS NULL OR e.kept_until > now()
    )
) AS is_listened_to, set_config('statement_timeout', '20s', true)
FROM unnest($1::text[], $2::boolean[]) AS w (key, alone)

-- name: unstaged
SELECT wanted FROM unnest($1::text[]) AS wanted
WHERE to_regclass('pg_temp.accepted_' || wanted) IS NULL

-- name: as_loader
SET LOCAL ROLE tillstream_loader

-- name: as_ourselves
RESET ROLE

-- name: mark
INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])

-- name: bury
INSERT INTO commerce.tombstones AS t (tenant_id, shop_id, kind, id, reason, deleted_at)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::timestamptz[])
ON CONFLICT (tenant_id, shop_id, kind, id) DO UPDATE SET
    deleted_at = LEAST(t.deleted_at, excluded.deleted_at),
    reason = CASE WHEN t.reason IN ('webhook', 'merged') THEN t.reason ELSE excluded.reason END
WHERE excluded.deleted_at < t.deleted_at OR excluded.reason = 'webhook' AND t.reason <> 'webhook'

-- name: lift
-- What we buried because a reading missed it exists after all. What Shopify deleted stays deleted.
DELETE FROM commerce.tombstones t
USING unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[]) AS s (tenant_id, shop_id, kind, id)
WHERE t.tenant_id = s.tenant_id AND t.shop_id = s.shop_id AND t.kind = s.kind AND t.id = s.id
    AND t.reason NOT IN ('webhook', 'merged')

-- name: merge
INSERT INTO commerce.customer_merges AS t (tenant_id, shop_id, customer_id, merged_into, merged_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, shop_id, customer_id) DO UPDATE SET
    merged_into = excluded.merged_into, merged_at = excluded.merged_at
WHERE t.merged_at < excluded.merged_at

-- name: mark_merged
-- Analytics follows merges: the gone customer's orders, and those of whoever was merged into it before.
WITH RECURSIVE gone AS (
    SELECT $3::bigint AS customer_id
    UNION
    SELECT m.customer_id FROM gone g JOIN commerce.customer_merges m
        ON m.tenant_id = $1 AND m.shop_id = $2 AND m.merged_into = g.customer_id
)
INSERT INTO analytics.order_marks (tenant_id, shop_id, order_id)
SELECT o.tenant_id, o.shop_id, o.order_id FROM gone JOIN commerce.orders o
    ON o.tenant_id = $1 AND o.shop_id = $2 AND o.customer_id = gone.customer_id

-- name: orders_of
SELECT order_id FROM commerce.orders
WHERE tenant_id = $1 AND shop_id = $2 AND customer_id = $3 AND deleted_at IS NULL

-- name: save_shop
INSERT INTO commerce.shops AS t (
    tenant_id, shop_id, shopify_shop_id, shop_domain, name, email, plan, currency, iana_timezone,
    taxes_included
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (tenant_id, shop_id) DO UPDATE SET
    shopify_shop_id = excluded.shopify_shop_id, shop_domain = excluded.shop_domain,
    name = excluded.name, email = excluded.email, plan = COALESCE(excluded.plan, t.plan),
    currency = excluded.currency, iana_timezone = excluded.iana_timezone,
    taxes_included = COALESCE(excluded.taxes_included, t.taxes_included), synced_at = now()
