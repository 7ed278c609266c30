-- How customers are written. Every statement works on what was copied into staged_customers, sorted by key.
-- name: stage
CREATE TEMP TABLE staged_customers (
    LIKE commerce.customers INCLUDING DEFAULTS INCLUDING STORAGE, partial boolean, present integer
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE staged_customer_addresses (LIKE commerce.customer_addresses, extra boolean) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE accepted_customers (
    tenant_id uuid, shop_id bigint, customer_id bigint, inserted boolean, present integer
) ON COMMIT DELETE ROWS;

-- name: upsert
WITH written AS (
    INSERT INTO commerce.customers AS t (
        tenant_id, shop_id, customer_id, email, phone, first_name, last_name, state, verified_email,
        tax_exempt, note, created_at, updated_at, default_address_id, tags, locale,
        email_marketing_state, sms_marketing_state, orders_count, total_spent, currency, raw, source
    )
    SELECT
        tenant_id, shop_id, customer_id, email, phone, first_name, last_name, state, verified_email,
        tax_exempt, note, created_at, updated_at, default_address_id, tags, locale,
        email_marketing_state, sms_marketing_state, orders_count, total_spent, currency, raw, source
    FROM staged_customers s
    WHERE NOT s.partial
        AND (
        SELECT true FROM commerce.tombstones d
        WHERE d.tenant_id = s.tenant_id AND d.shop_id = s.shop_id
            AND d.kind = 'customer' AND d.id = s.customer_id
    ) IS NULL
    ON CONFLICT (tenant_id, shop_id, customer_id) DO UPDATE SET
        email = excluded.email, phone = excluded.phone, first_name = excluded.first_name,
        last_name = excluded.last_name, state = excluded.state,
        verified_email = excluded.verified_email, tax_exempt = excluded.tax_exempt,
        note = excluded.note, created_at = excluded.created_at, updated_at = excluded.updated_at,
        default_address_id = excluded.default_address_id, tags = excluded.tags,
        locale = excluded.locale, email_marketing_state = excluded.email_marketing_state,
        sms_marketing_state = excluded.sms_marketing_state, orders_count = excluded.orders_count,
        total_spent = excluded.total_spent, currency = excluded.currency, raw = excluded.raw,
        source = excluded.source, synced_at = now(), deleted_at = NULL
    WHERE t.updated_at < excluded.updated_at OR t.updated_at = excluded.updated_at AND (
        excluded.source = 'refetch'
        OR array_position('{webhook,bulk,poll,refetch}'::text[], excluded.source)
            > array_position('{webhook,bulk,poll,refetch}'::text[], t.source)
        OR excluded.source = t.source AND t.source <> 'webhook' AND (
            t.email, t.phone, t.first_name, t.last_name, t.state, t.verified_email, t.tax_exempt,
            t.note, t.created_at, t.default_address_id, t.tags, t.locale, t.email_marketing_state,
            t.sms_marketing_state, t.orders_count, t.total_spent, t.currency
        ) IS DISTINCT FROM (
            excluded.email, excluded.phone, excluded.first_name, excluded.last_name, excluded.state,
            excluded.verified_email, excluded.tax_exempt, excluded.note, excluded.created_at,
            excluded.default_address_id, excluded.tags, excluded.locale,
            excluded.email_marketing_state, excluded.sms_marketing_state, excluded.orders_count,
            excluded.total_spent, excluded.currency
        )
    )
    RETURNING t.tenant_id, t.shop_id, t.customer_id, t.xmax = 0 AS inserted
), kept AS (
    INSERT INTO accepted_customers
    SELECT w.tenant_id, w.shop_id, w.customer_id, w.inserted, s.present
    FROM written w JOIN staged_customers s USING (tenant_id, shop_id, customer_id)
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) AS accepted FROM written

-- name: upsert_partial
WITH written AS (
    INSERT INTO commerce.customers AS t (
        tenant_id, shop_id, customer_id, email, phone, first_name, last_name, state, verified_email,
        tax_exempt, note, created_at, updated_at, default_address_id, tags, locale,
        email_marketing_state, sms_marketing_state, orders_count, total_spent, currency, raw, source
    )
    SELECT
        tenant_id, shop_id, customer_id, email, phone, first_name, last_name, state, verified_email,
        tax_exempt, note, created_at, updated_at, default_address_id, tags, locale,
        email_marketing_state, sms_marketing_state, orders_count, total_spent, currency, raw, source
    FROM staged_customers s
    WHERE s.partial
        AND (
        SELECT true FROM commerce.tombstones d
        WHERE d.tenant_id = s.tenant_id AND d.shop_id = s.shop_id
            AND d.kind = 'customer' AND d.id = s.customer_id
    ) IS NULL
    ON CONFLICT (tenant_id, shop_id, customer_id) DO UPDATE SET
        email = COALESCE(excluded.email, t.email), phone = COALESCE(excluded.phone, t.phone),
        first_name = COALESCE(excluded.first_name, t.first_name),
        last_name = COALESCE(excluded.last_name, t.last_name),
        state = COALESCE(excluded.state, t.state),
        verified_email = COALESCE(excluded.verified_email, t.verified_email),
        tax_exempt = COALESCE(excluded.tax_exempt, t.tax_exempt),
        note = COALESCE(excluded.note, t.note), created_at = excluded.created_at,
        updated_at = excluded.updated_at,
        default_address_id = COALESCE(excluded.default_address_id, t.default_address_id),
        tags = COALESCE(excluded.tags, t.tags), locale = COALESCE(excluded.locale, t.locale),
        email_marketing_state = COALESCE(excluded.email_marketing_state, t.email_marketing_state),
        sms_marketing_state = COALESCE(excluded.sms_marketing_state, t.sms_marketing_state),
        orders_count = COALESCE(excluded.orders_count, t.orders_count),
        total_spent = COALESCE(excluded.total_spent, t.total_spent),
        currency = COALESCE(excluded.currency, t.currency), raw = excluded.raw,
        source = excluded.source, synced_at = now(), deleted_at = NULL
    WHERE t.updated_at < excluded.updated_at OR t.updated_at = excluded.updated_at AND (
        excluded.source = 'refetch'
        OR array_position('{webhook,bulk,poll,refetch}'::text[], excluded.source)
            > array_position('{webhook,bulk,poll,refetch}'::text[], t.source)
        OR excluded.source = t.source AND t.source <> 'webhook' AND (
            t.email, t.phone, t.first_name, t.last_name, t.state, t.verified_email, t.tax_exempt,
            t.note, t.created_at, t.default_address_id, t.tags, t.locale, t.email_marketing_state,
            t.sms_marketing_state, t.orders_count, t.total_spent, t.currency
        ) IS DISTINCT FROM (
            COALESCE(excluded.email, t.email), COALESCE(excluded.phone, t.phone),
            COALESCE(excluded.first_name, t.first_name), COALESCE(excluded.last_name, t.last_name),
            COALESCE(excluded.state, t.state), COALESCE(excluded.verified_email, t.verified_email),
            COALESCE(excluded.tax_exempt, t.tax_exempt), COALESCE(excluded.note, t.note),
            excluded.created_at, COALESCE(excluded.default_address_id, t.default_address_id),
            COALESCE(excluded.tags, t.tags), COALESCE(excluded.locale, t.locale),
            COALESCE(excluded.email_marketing_state, t.email_marketing_state),
            COALESCE(excluded.sms_marketing_state, t.sms_marketing_state),
            COALESCE(excluded.orders_count, t.orders_count),
            COALESCE(excluded.total_spent, t.total_spent), COALESCE(excluded.currency, t.currency)
        )
    )
    RETURNING t.tenant_id, t.shop_id, t.customer_id, t.xmax = 0 AS inserted
), kept AS (
    INSERT INTO accepted_customers
    SELECT w.tenant_id, w.shop_id, w.customer_id, w.inserted, s.present
    FROM written w JOIN staged_customers s USING (tenant_id, shop_id, customer_id)
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) AS accepted FROM written

-- name: refused
SELECT s.tenant_id::text AS tenant_id, s.shop_id, ARRAY[s.customer_id] AS key,
    CASE
        WHEN t.tenant_id IS NULL OR t.deleted_at IS NOT NULL THEN 'deleted'
        WHEN t.updated_at > s.updated_at THEN 'stale'
        WHEN (s.partial AND s.email IS NULL OR s.email IS NOT DISTINCT FROM t.email)
            AND (s.partial AND s.phone IS NULL OR s.phone IS NOT DISTINCT FROM t.phone)
            AND (s.partial AND s.first_name IS NULL OR s.first_name IS NOT DISTINCT FROM t.first_name)
            AND (s.partial AND s.last_name IS NULL OR s.last_name IS NOT DISTINCT FROM t.last_name)
            AND (s.partial AND s.state IS NULL OR s.state IS NOT DISTINCT FROM t.state)
            AND (s.partial AND s.verified_email IS NULL OR s.verified_email IS NOT DISTINCT FROM t.verified_email)
            AND (s.partial AND s.tax_exempt IS NULL OR s.tax_exempt IS NOT DISTINCT FROM t.tax_exempt)
            AND (s.partial AND s.note IS NULL OR s.note IS NOT DISTINCT FROM t.note)
            AND s.created_at IS NOT DISTINCT FROM t.created_at
            AND (s.partial AND s.default_address_id IS NULL OR s.default_address_id IS NOT DISTINCT FROM t.default_address_id)
            AND (s.partial AND s.tags IS NULL OR s.tags IS NOT DISTINCT FROM t.tags)
            AND (s.partial AND s.locale IS NULL OR s.locale IS NOT DISTINCT FROM t.locale)
            AND (s.partial AND s.email_marketing_state IS NULL OR s.email_marketing_state IS NOT DISTINCT FROM t.email_marketing_state)
            AND (s.partial AND s.sms_marketing_state IS NULL OR s.sms_marketing_state IS NOT DISTINCT FROM t.sms_marketing_state)
            AND (s.partial AND s.orders_count IS NULL OR s.orders_count IS NOT DISTINCT FROM t.orders_count)
            AND (s.partial AND s.total_spent IS NULL OR s.total_spent IS NOT DISTINCT FROM t.total_spent)
            AND (s.partial AND s.currency IS NULL OR s.currency IS NOT DISTINCT FROM t.currency) THEN 'equal'
        ELSE 'conflict'
    END AS verdict
FROM staged_customers s
LEFT JOIN commerce.customers t USING (tenant_id, shop_id, customer_id)
WHERE NOT EXISTS (
    SELECT FROM accepted_customers a WHERE a.tenant_id = s.tenant_id AND a.shop_id = s.shop_id AND a.customer_id = s.customer_id
)

-- name: seen
-- A bulk export that changes nothing still proves that the object exists.
UPDATE commerce.customers t SET synced_at = now()
FROM staged_customers s
WHERE t.tenant_id = s.tenant_id AND t.shop_id = s.shop_id AND t.customer_id = s.customer_id
    AND s.source = 'bulk' AND t.synced_at < now()

-- name: delete
UPDATE commerce.customers t SET deleted_at = d.at
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[])
    AS d (tenant_id, shop_id, customer_id, at)
WHERE t.tenant_id = d.tenant_id AND t.shop_id = d.shop_id AND t.customer_id = d.customer_id
    AND (t.deleted_at IS NULL OR t.deleted_at > d.at)

-- name: trim_customer_addresses
DELETE FROM commerce.customer_addresses t USING accepted_customers a
WHERE NOT a.inserted AND a.present & 1 <> 0
    AND t.tenant_id = a.tenant_id AND t.shop_id = a.shop_id AND t.customer_id = a.customer_id
    AND NOT EXISTS (
        SELECT FROM staged_customer_addresses s
        WHERE NOT s.extra AND s.tenant_id = t.tenant_id AND s.shop_id = t.shop_id AND s.customer_id = t.customer_id AND s.address_id = t.address_id
    )

-- name: fill_customer_addresses
INSERT INTO commerce.customer_addresses AS t (
    tenant_id, shop_id, customer_id, address_id, address
)
SELECT
    tenant_id, shop_id, customer_id, address_id, address
FROM staged_customer_addresses s
WHERE NOT s.extra AND EXISTS (
    SELECT FROM accepted_customers a WHERE a.tenant_id = s.tenant_id AND a.shop_id = s.shop_id AND a.customer_id = s.customer_id
)
ON CONFLICT (tenant_id, shop_id, customer_id, address_id) DO UPDATE SET
    address = excluded.address
WHERE (
    t.address
) IS DISTINCT FROM (
    excluded.address
)

-- name: add_customer_addresses
WITH written AS (
    INSERT INTO commerce.customer_addresses AS t (
        tenant_id, shop_id, customer_id, address_id, address
    )
    SELECT
        tenant_id, shop_id, customer_id, address_id, address
    FROM staged_customer_addresses s WHERE s.extra
    ON CONFLICT (tenant_id, shop_id, customer_id, address_id) DO UPDATE SET
        address = excluded.address
    WHERE (
        t.address
    ) IS DISTINCT FROM (
        excluded.address
    )
    RETURNING t.tenant_id, t.shop_id, t.customer_id, t.xmax = 0 AS inserted
)
SELECT DISTINCT tenant_id::text AS tenant_id, shop_id, customer_id AS id FROM written WHERE NOT inserted
