-- How inventory_items are written. Every statement works on what was copied into staged_inventory_items, sorted by key.
-- name: stage
CREATE TEMP TABLE staged_inventory_items (
    LIKE commerce.inventory_items INCLUDING DEFAULTS INCLUDING STORAGE, partial boolean, present integer
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE accepted_inventory_items (
    tenant_id uuid, shop_id bigint, inventory_item_id bigint, inserted boolean, present integer
) ON COMMIT DELETE ROWS;

-- name: upsert
WITH written AS (
    INSERT INTO commerce.inventory_items AS t (
        tenant_id, shop_id, inventory_item_id, sku, tracked, requires_shipping, unit_cost,
        country_code_of_origin, province_code_of_origin, harmonized_system_code, created_at,
        updated_at, raw, source
    )
    SELECT
        tenant_id, shop_id, inventory_item_id, sku, tracked, requires_shipping, unit_cost,
        country_code_of_origin, province_code_of_origin, harmonized_system_code, created_at,
        updated_at, raw, source
    FROM staged_inventory_items s
    WHERE (
        SELECT true FROM commerce.tombstones d
        WHERE d.tenant_id = s.tenant_id AND d.shop_id = s.shop_id
            AND d.kind = 'inventory_item' AND d.id = s.inventory_item_id
    ) IS NULL
    ON CONFLICT (tenant_id, shop_id, inventory_item_id) DO UPDATE SET
        sku = excluded.sku, tracked = excluded.tracked,
        requires_shipping = excluded.requires_shipping, unit_cost = excluded.unit_cost,
        country_code_of_origin = excluded.country_code_of_origin,
        province_code_of_origin = excluded.province_code_of_origin,
        harmonized_system_code = excluded.harmonized_system_code, created_at = excluded.created_at,
        updated_at = excluded.updated_at, raw = excluded.raw, source = excluded.source,
        synced_at = now(), deleted_at = NULL
    WHERE t.updated_at < excluded.updated_at OR t.updated_at = excluded.updated_at AND (
        excluded.source = 'refetch'
        OR array_position('{webhook,bulk,poll,refetch}'::text[], excluded.source)
            > array_position('{webhook,bulk,poll,refetch}'::text[], t.source)
        OR excluded.source = t.source AND t.source <> 'webhook' AND (
            t.sku, t.tracked, t.requires_shipping, t.unit_cost, t.country_code_of_origin,
            t.province_code_of_origin, t.harmonized_system_code, t.created_at
        ) IS DISTINCT FROM (
            excluded.sku, excluded.tracked, excluded.requires_shipping, excluded.unit_cost,
            excluded.country_code_of_origin, excluded.province_code_of_origin,
            excluded.harmonized_system_code, excluded.created_at
        )
    )
    RETURNING t.tenant_id, t.shop_id, t.inventory_item_id, t.xmax = 0 AS inserted
), kept AS (
    INSERT INTO accepted_inventory_items
    SELECT w.tenant_id, w.shop_id, w.inventory_item_id, w.inserted, s.present
    FROM written w JOIN staged_inventory_items s USING (tenant_id, shop_id, inventory_item_id)
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) AS accepted FROM written

-- name: refused
SELECT s.tenant_id::text AS tenant_id, s.shop_id, ARRAY[s.inventory_item_id] AS key,
    CASE
        WHEN t.tenant_id IS NULL OR t.deleted_at IS NOT NULL THEN 'deleted'
        WHEN t.updated_at > s.updated_at THEN 'stale'
        WHEN (
                s.sku, s.tracked, s.requires_shipping, s.unit_cost, s.country_code_of_origin,
                s.province_code_of_origin, s.harmonized_system_code, s.created_at
            ) IS NOT DISTINCT FROM (
                t.sku, t.tracked, t.requires_shipping, t.unit_cost, t.country_code_of_origin,
                t.province_code_of_origin, t.harmonized_system_code, t.created_at
            ) THEN 'equal'
        ELSE 'conflict'
    END AS verdict
FROM staged_inventory_items s
LEFT JOIN commerce.inventory_items t USING (tenant_id, shop_id, inventory_item_id)
WHERE NOT EXISTS (
    SELECT FROM accepted_inventory_items a WHERE a.tenant_id = s.tenant_id AND a.shop_id = s.shop_id AND a.inventory_item_id = s.inventory_item_id
)

-- name: seen
-- A bulk export that changes nothing still proves that the object exists.
UPDATE commerce.inventory_items t SET synced_at = now()
FROM staged_inventory_items s
WHERE t.tenant_id = s.tenant_id AND t.shop_id = s.shop_id AND t.inventory_item_id = s.inventory_item_id
    AND s.source = 'bulk' AND t.synced_at < now()

-- name: delete
-- Nothing is stocked of an item that is gone.
WITH emptied AS (
    UPDATE commerce.inventory_levels t SET deleted_at = d.at
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[])
        AS d (tenant_id, shop_id, inventory_item_id, at)
    WHERE t.tenant_id = d.tenant_id AND t.shop_id = d.shop_id
        AND t.inventory_item_id = d.inventory_item_id
        AND t.deleted_at IS NULL AND t.updated_at <= d.at
)
UPDATE commerce.inventory_items t SET deleted_at = d.at
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[])
    AS d (tenant_id, shop_id, inventory_item_id, at)
WHERE t.tenant_id = d.tenant_id AND t.shop_id = d.shop_id AND t.inventory_item_id = d.inventory_item_id
    AND (t.deleted_at IS NULL OR t.deleted_at > d.at)
