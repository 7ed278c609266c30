-- name: save
INSERT INTO commerce.schema_drift AS d (tenant_id, shop_id, kind, what, example, count)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[])
ORDER BY 1, 2, 3, 4
ON CONFLICT (tenant_id, shop_id, kind, what) DO UPDATE SET
    example = excluded.example,
    last_seen = now(),
    count = d.count + excluded.count
