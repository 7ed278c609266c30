-- How products are written. Every statement works on what was copied into staged_products, sorted by key.
-- name: stage
CREATE TEMP TABLE staged_products (
    LIKE commerce.products INCLUDING DEFAULTS INCLUDING STORAGE, partial boolean, present integer
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE staged_variants (LIKE commerce.variants, extra boolean) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE accepted_products (
    tenant_id uuid, shop_id bigint, product_id bigint, inserted boolean, present integer
) ON COMMIT DELETE ROWS;

-- name: upsert
WITH written AS (
    INSERT INTO commerce.products AS t (
        tenant_id, shop_id, product_id, title, handle, status, vendor, product_type, tags,
        description_html, created_at, updated_at, published_at, options, media, raw, source
    )
    SELECT
        tenant_id, shop_id, product_id, title, handle, status, vendor, product_type, tags,
        description_html, created_at, updated_at, published_at, options, media, raw, source
    FROM staged_products s
    WHERE (
        SELECT true FROM commerce.tombstones d
        WHERE d.tenant_id = s.tenant_id AND d.shop_id = s.shop_id
            AND d.kind = 'product' AND d.id = s.product_id
    ) IS NULL
    ON CONFLICT (tenant_id, shop_id, product_id) DO UPDATE SET
        title = excluded.title, handle = excluded.handle, status = excluded.status,
        vendor = excluded.vendor, product_type = excluded.product_type, tags = excluded.tags,
        description_html = excluded.description_html, created_at = excluded.created_at,
        updated_at = excluded.updated_at, published_at = excluded.published_at,
        options = excluded.options, media = excluded.media, raw = excluded.raw,
        source = excluded.source, synced_at = now(), deleted_at = NULL
    WHERE t.updated_at < excluded.updated_at OR t.updated_at = excluded.updated_at AND (
        excluded.source = 'refetch'
        OR array_position('{webhook,bulk,poll,refetch}'::text[], excluded.source)
            > array_position('{webhook,bulk,poll,refetch}'::text[], t.source)
        OR excluded.source = t.source AND t.source <> 'webhook' AND (
            t.title, t.handle, t.status, t.vendor, t.product_type, t.tags, t.description_html,
            t.created_at, t.published_at, t.options, t.media
        ) IS DISTINCT FROM (
            excluded.title, excluded.handle, excluded.status, excluded.vendor,
            excluded.product_type, excluded.tags, excluded.description_html, excluded.created_at,
            excluded.published_at, excluded.options, excluded.media
        )
    )
    RETURNING t.tenant_id, t.shop_id, t.product_id, t.xmax = 0 AS inserted
), kept AS (
    INSERT INTO accepted_products
    SELECT w.tenant_id, w.shop_id, w.product_id, w.inserted, s.present
    FROM written w JOIN staged_products s USING (tenant_id, shop_id, product_id)
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) AS accepted FROM written

-- name: refused
SELECT s.tenant_id::text AS tenant_id, s.shop_id, ARRAY[s.product_id] AS key,
    CASE
        WHEN t.tenant_id IS NULL OR t.deleted_at IS NOT NULL THEN 'deleted'
        WHEN t.updated_at > s.updated_at THEN 'stale'
        WHEN (
                s.title, s.handle, s.status, s.vendor, s.product_type, s.tags, s.description_html,
                s.created_at, s.published_at, s.options, s.media
            ) IS NOT DISTINCT FROM (
                t.title, t.handle, t.status, t.vendor, t.product_type, t.tags, t.description_html,
                t.created_at, t.published_at, t.options, t.media
            ) THEN 'equal'
        ELSE 'conflict'
    END AS verdict
FROM staged_products s
LEFT JOIN commerce.products t USING (tenant_id, shop_id, product_id)
WHERE NOT EXISTS (
    SELECT FROM accepted_products a WHERE a.tenant_id = s.tenant_id AND a.shop_id = s.shop_id AND a.product_id = s.product_id
)

-- name: seen
-- A bulk export that changes nothing still proves that the object exists.
UPDATE commerce.products t SET synced_at = now()
FROM staged_products s
WHERE t.tenant_id = s.tenant_id AND t.shop_id = s.shop_id AND t.product_id = s.product_id
    AND s.source = 'bulk' AND t.synced_at < now()

-- name: delete
UPDATE commerce.products t SET deleted_at = d.at
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[])
    AS d (tenant_id, shop_id, product_id, at)
WHERE t.tenant_id = d.tenant_id AND t.shop_id = d.shop_id AND t.product_id = d.product_id
    AND (t.deleted_at IS NULL OR t.deleted_at > d.at)

-- name: trim_variants
DELETE FROM commerce.variants t USING accepted_products a
WHERE NOT a.inserted AND a.present & 1 <> 0
    AND t.tenant_id = a.tenant_id AND t.shop_id = a.shop_id AND t.product_id = a.product_id
    AND NOT EXISTS (
        SELECT FROM staged_variants s
        WHERE NOT s.extra AND s.tenant_id = t.tenant_id AND s.shop_id = t.shop_id AND s.product_id = t.product_id AND s.variant_id = t.variant_id
    )

-- name: fill_variants
INSERT INTO commerce.variants AS t (
    tenant_id, shop_id, product_id, variant_id, position, title, sku, barcode, price,
    compare_at_price, taxable, inventory_policy, inventory_item_id, inventory_quantity, options,
    created_at, updated_at
)
SELECT
    tenant_id, shop_id, product_id, variant_id, position, title, sku, barcode, price,
    compare_at_price, taxable, inventory_policy, inventory_item_id, inventory_quantity, options,
    created_at, updated_at
FROM staged_variants s
WHERE NOT s.extra AND EXISTS (
    SELECT FROM accepted_products a WHERE a.tenant_id = s.tenant_id AND a.shop_id = s.shop_id AND a.product_id = s.product_id
)
ON CONFLICT (tenant_id, shop_id, product_id, variant_id) DO UPDATE SET
    position = excluded.position, title = excluded.title, sku = excluded.sku,
    barcode = excluded.barcode, price = excluded.price,
    compare_at_price = excluded.compare_at_price, taxable = excluded.taxable,
    inventory_policy = excluded.inventory_policy, inventory_item_id = excluded.inventory_item_id,
    inventory_quantity = excluded.inventory_quantity, options = excluded.options,
    created_at = excluded.created_at, updated_at = excluded.updated_at
WHERE (
    t.position, t.title, t.sku, t.barcode, t.price, t.compare_at_price, t.taxable,
    t.inventory_policy, t.inventory_item_id, t.inventory_quantity, t.options, t.created_at,
    t.updated_at
) IS DISTINCT FROM (
    excluded.position, excluded.title, excluded.sku, excluded.barcode, excluded.price,
    excluded.compare_at_price, excluded.taxable, excluded.inventory_policy,
    excluded.inventory_item_id, excluded.inventory_quantity, excluded.options, excluded.created_at,
    excluded.updated_at
)

-- name: add_variants
WITH written AS (
    INSERT INTO commerce.variants AS t (
        tenant_id, shop_id, product_id, variant_id, position, title, sku, barcode, price,
        compare_at_price, taxable, inventory_policy, inventory_item_id, inventory_quantity, options,
        created_at, updated_at
    )
    SELECT
        tenant_id, shop_id, product_id, variant_id, position, title, sku, barcode, price,
        compare_at_price, taxable, inventory_policy, inventory_item_id, inventory_quantity, options,
        created_at, updated_at
    FROM staged_variants s WHERE s.extra
    ON CONFLICT (tenant_id, shop_id, product_id, variant_id) DO UPDATE SET
        position = excluded.position, title = excluded.title, sku = excluded.sku,
        barcode = excluded.barcode, price = excluded.price,
        compare_at_price = excluded.compare_at_price, taxable = excluded.taxable,
        inventory_policy = excluded.inventory_policy, inventory_item_id = excluded.inventory_item_id,
        inventory_quantity = excluded.inventory_quantity, options = excluded.options,
        created_at = excluded.created_at, updated_at = excluded.updated_at
    WHERE (
        t.position, t.title, t.sku, t.barcode, t.price, t.compare_at_price, t.taxable,
        t.inventory_policy, t.inventory_item_id, t.inventory_quantity, t.options, t.created_at,
        t.updated_at
    ) IS DISTINCT FROM (
        excluded.position, excluded.title, excluded.sku, excluded.barcode, excluded.price,
        excluded.compare_at_price, excluded.taxable, excluded.inventory_policy,
        excluded.inventory_item_id, excluded.inventory_quantity, excluded.options, excluded.created_at,
        excluded.updated_at
    )
    RETURNING t.tenant_id, t.shop_id, t.product_id, t.xmax = 0 AS inserted
)
SELECT DISTINCT tenant_id::text AS tenant_id, shop_id, product_id AS id FROM written WHERE NOT inserted
