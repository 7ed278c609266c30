-- name: ask
-- A later request renews requested_at, so that an answer already on its way does not settle it.
INSERT INTO commerce.refetches AS t (tenant_id, shop_id, kind, id, reason, requested_at)
SELECT w.tenant_id, w.shop_id, w.kind, w.id, w.reason, clock_timestamp()
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::text[])
    AS w (tenant_id, shop_id, kind, id, reason)
WHERE NOT EXISTS (
    SELECT FROM commerce.tombstones d
    WHERE d.tenant_id = w.tenant_id AND d.shop_id = w.shop_id AND d.kind = w.kind AND d.id = w.id
)
ON CONFLICT (tenant_id, shop_id, kind, id) DO UPDATE SET
    reason = excluded.reason, requested_at = excluded.requested_at,
    not_before = LEAST(t.not_before, now())
