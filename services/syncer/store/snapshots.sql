-- name: lock_kinds
-- Writers of a kind share its lock; a deletion takes it alone, so that no writer which has not
-- seen the tombstone yet can bring the object back.
SELECT CASE WHEN w.alone
    THEN pg_advisory_xact_lock(hashtextextended(w.key, 0))
    ELSE pg_advisory_xact_lock_shared(hashtextextended(w.key, 0))
END
FROM unnest($1::text[], $2::boolean[]) AS w (key, alone)

-- name: unstaged
SELECT wanted FROM unnest($1::text[]) AS wanted
WHERE to_regclass('pg_temp.accepted_' || wanted) IS NULL

-- name: bury
INSERT INTO commerce.tombstones AS t (tenant_id, shop_id, kind, id, reason, deleted_at)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::timestamptz[])
ON CONFLICT (tenant_id, shop_id, kind, id) DO UPDATE SET
    deleted_at = LEAST(t.deleted_at, excluded.deleted_at),
    reason = CASE WHEN t.reason = 'webhook' THEN t.reason ELSE excluded.reason END
WHERE excluded.deleted_at < t.deleted_at OR excluded.reason = 'webhook' AND t.reason <> 'webhook'

-- name: lift
-- What we buried because a reading missed it exists after all. What Shopify deleted stays deleted.
DELETE FROM commerce.tombstones t
USING unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[]) AS s (tenant_id, shop_id, kind, id)
WHERE t.tenant_id = s.tenant_id AND t.shop_id = s.shop_id AND t.kind = s.kind AND t.id = s.id
    AND t.reason <> 'webhook'

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
