-- What Shopify knows, one row per Shopify object. Shopify's own times: created_at, updated_at.
-- Ours: synced_at. Money is numeric in the shop's currency; presentment_* in the buyer's.
-- raw: the payload the row came from, zstd; source: webhook | poll | bulk | refetch.
CREATE TABLE commerce.shops (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    shopify_shop_id bigint NOT NULL,
    shop_domain text NOT NULL,
    name text NOT NULL,
    email text,
    plan text,
    currency char(3) NOT NULL,
    iana_timezone text NOT NULL,
    taxes_included boolean,
    synced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, shop_id)
);

CREATE TABLE commerce.orders (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    name text NOT NULL,
    confirmation_number text,
    email text,
    phone text,
    customer_id bigint,
    created_at timestamptz NOT NULL,
    processed_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    cancelled_at timestamptz,
    cancel_reason text,
    closed_at timestamptz,
    financial_status text,
    fulfillment_status text,
    currency char(3) NOT NULL,
    presentment_currency char(3) NOT NULL,
    taxes_included boolean NOT NULL,
    duties_included boolean NOT NULL,
    estimated_taxes boolean NOT NULL,
    test boolean NOT NULL,
    confirmed boolean NOT NULL,
    source_name text,
    app_id bigint,
    po_number text,
    note text,
    tags text[] NOT NULL,
    customer_locale text,
    payment_gateway_names text[] NOT NULL,
    subtotal_price numeric(18, 4) NOT NULL,
    total_discounts numeric(18, 4) NOT NULL,
    total_shipping numeric(18, 4) NOT NULL,
    total_tax numeric(18, 4) NOT NULL,
    total_duties numeric(18, 4),
    total_tip numeric(18, 4) NOT NULL,
    total_price numeric(18, 4) NOT NULL,
    current_subtotal_price numeric(18, 4) NOT NULL,
    current_total_discounts numeric(18, 4) NOT NULL,
    current_total_tax numeric(18, 4) NOT NULL,
    current_total_price numeric(18, 4) NOT NULL,
    total_outstanding numeric(18, 4) NOT NULL,
    presentment_subtotal_price numeric(18, 4) NOT NULL,
    presentment_total_discounts numeric(18, 4) NOT NULL,
    presentment_total_shipping numeric(18, 4) NOT NULL,
    presentment_total_tax numeric(18, 4) NOT NULL,
    presentment_total_price numeric(18, 4) NOT NULL,
    presentment_current_total_price numeric(18, 4) NOT NULL,
    billing_address jsonb,
    shipping_address jsonb,
    attributes jsonb NOT NULL,
    tax_lines jsonb NOT NULL,
    shipping_lines jsonb NOT NULL,
    discount_applications jsonb NOT NULL,
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, order_id)
);
ALTER TABLE commerce.orders ALTER COLUMN raw SET STORAGE EXTERNAL;
CREATE INDEX orders_processed ON commerce.orders (tenant_id, shop_id, processed_at DESC, order_id DESC);
CREATE INDEX orders_customer ON commerce.orders (tenant_id, shop_id, customer_id) WHERE customer_id IS NOT NULL;

CREATE TABLE commerce.order_lines (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    line_id bigint NOT NULL,
    position integer NOT NULL,
    product_id bigint,
    variant_id bigint,
    sku text,
    title text NOT NULL,
    variant_title text,
    vendor text,
    quantity integer NOT NULL,
    current_quantity integer NOT NULL,
    price numeric(18, 4) NOT NULL,
    presentment_price numeric(18, 4) NOT NULL,
    discount numeric(18, 4) NOT NULL,
    tax numeric(18, 4) NOT NULL,
    duty numeric(18, 4) NOT NULL,
    gift_card boolean NOT NULL,
    requires_shipping boolean NOT NULL,
    taxable boolean NOT NULL,
    attributes jsonb NOT NULL,
    tax_lines jsonb NOT NULL,
    discount_allocations jsonb NOT NULL,
    duties jsonb NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, order_id, line_id)
);

CREATE TABLE commerce.refunds (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    refund_id bigint NOT NULL,
    created_at timestamptz,
    processed_at timestamptz NOT NULL,
    note text,
    total_refunded numeric(18, 4) NOT NULL,
    adjustments jsonb NOT NULL,
    shipping jsonb NOT NULL,
    duties jsonb NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, order_id, refund_id)
);

CREATE TABLE commerce.refund_lines (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    refund_id bigint NOT NULL,
    refund_line_id bigint NOT NULL,
    line_id bigint NOT NULL,
    quantity integer NOT NULL,
    restock_type text NOT NULL,
    location_id bigint,
    subtotal numeric(18, 4) NOT NULL,
    total_tax numeric(18, 4) NOT NULL,
    presentment_subtotal numeric(18, 4) NOT NULL,
    presentment_total_tax numeric(18, 4) NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, order_id, refund_id, refund_line_id)
);

CREATE TABLE commerce.transactions (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    transaction_id bigint NOT NULL,
    parent_id bigint,
    kind text NOT NULL,
    status text NOT NULL,
    gateway text,
    amount numeric(18, 4) NOT NULL,
    currency char(3) NOT NULL,
    error_code text,
    test boolean NOT NULL,
    created_at timestamptz NOT NULL,
    processed_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, order_id, transaction_id)
);

CREATE TABLE commerce.fulfillments (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    fulfillment_id bigint NOT NULL,
    name text,
    status text NOT NULL,
    location_id bigint,
    total_quantity integer NOT NULL,
    tracking jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, order_id, fulfillment_id)
);

CREATE TABLE commerce.products (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    product_id bigint NOT NULL,
    title text NOT NULL,
    handle text NOT NULL,
    status text NOT NULL,
    vendor text,
    product_type text,
    tags text[] NOT NULL,
    description_html text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    published_at timestamptz,
    options jsonb NOT NULL,
    media jsonb NOT NULL,
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, product_id)
);
ALTER TABLE commerce.products ALTER COLUMN raw SET STORAGE EXTERNAL;

CREATE TABLE commerce.variants (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    product_id bigint NOT NULL,
    variant_id bigint NOT NULL,
    position integer NOT NULL,
    title text NOT NULL,
    sku text,
    barcode text,
    price numeric(18, 4) NOT NULL,
    compare_at_price numeric(18, 4),
    taxable boolean NOT NULL,
    inventory_policy text,
    inventory_item_id bigint,
    inventory_quantity integer,
    options jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, product_id, variant_id)
);
CREATE INDEX variants_by_id ON commerce.variants (tenant_id, shop_id, variant_id);

CREATE TABLE commerce.customers (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    email text,
    phone text,
    first_name text,
    last_name text,
    state text,
    verified_email boolean,
    tax_exempt boolean,
    note text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    default_address_id bigint,
    tags text[],
    locale text,
    email_marketing_state text,
    sms_marketing_state text,
    orders_count bigint,
    total_spent numeric(18, 4),
    currency char(3),
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, customer_id)
);
ALTER TABLE commerce.customers ALTER COLUMN raw SET STORAGE EXTERNAL;

CREATE TABLE commerce.customer_addresses (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    address_id bigint NOT NULL,
    address jsonb NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, customer_id, address_id)
);

CREATE TABLE commerce.locations (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    location_id bigint NOT NULL,
    name text NOT NULL,
    active boolean NOT NULL,
    address jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, location_id)
);

CREATE TABLE commerce.inventory_items (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    inventory_item_id bigint NOT NULL,
    sku text,
    tracked boolean NOT NULL,
    requires_shipping boolean NOT NULL,
    unit_cost numeric(18, 4),
    country_code_of_origin text,
    province_code_of_origin text,
    harmonized_system_code text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, inventory_item_id)
);

-- A level can be disconnected and connected again, so deleted_at here is an event in time, not an
-- end: whichever of updated_at and deleted_at is later tells the state.
CREATE TABLE commerce.inventory_levels (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    inventory_item_id bigint NOT NULL,
    location_id bigint NOT NULL,
    available integer,
    on_hand integer,
    committed integer,
    incoming integer,
    reserved integer,
    damaged integer,
    quality_control integer,
    safety_stock integer,
    active boolean NOT NULL,
    updated_at timestamptz NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, inventory_item_id, location_id)
);

-- A deleted Shopify id never comes back; an older message must not resurrect it.
CREATE TABLE commerce.tombstones (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    kind text NOT NULL,
    id bigint NOT NULL,
    reason text NOT NULL,
    deleted_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, kind, id)
);

-- The inbox: every delivery once, what became of it, and its body.
-- state: applied | duplicate | stale | ignored | dead
CREATE TABLE commerce.webhook_events (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    topic text NOT NULL,
    webhook_id text NOT NULL,
    event_id text,
    triggered_at timestamptz,
    received_at timestamptz NOT NULL,
    processed_at timestamptz NOT NULL DEFAULT now(),
    api_version text,
    resource_id bigint,
    body_sha256 bytea NOT NULL,
    body bytea,
    state text NOT NULL CHECK (state IN ('applied', 'duplicate', 'stale', 'ignored', 'dead')),
    error text,
    PRIMARY KEY (tenant_id, shop_id, topic, webhook_id)
);
ALTER TABLE commerce.webhook_events ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX webhook_events_received ON commerce.webhook_events (tenant_id, shop_id, received_at DESC);
CREATE INDEX webhook_events_body ON commerce.webhook_events (tenant_id, shop_id, topic, body_sha256);

-- Objects whose webhook told only a part (or told something doubtful): read them again by id.
CREATE TABLE commerce.refetches (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    kind text NOT NULL,
    id bigint NOT NULL,
    reason text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    not_before timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, shop_id, kind, id)
);

-- kind: orders | products | customers | inventory | shop ; mode: full | incremental
-- status: queued | running | succeeded | failed | cancelled
CREATE TABLE commerce.sync_jobs (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    job_id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL CHECK (kind IN ('orders', 'products', 'customers', 'inventory', 'shop')),
    mode text NOT NULL CHECK (mode IN ('full', 'incremental')),
    trigger text NOT NULL CHECK (trigger IN ('connect', 'schedule', 'manual')),
    status text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    rows_total bigint,
    rows_done bigint NOT NULL DEFAULT 0,
    cursor jsonb NOT NULL DEFAULT '{}',
    attempts integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    lease_id uuid,
    lease_until timestamptz,
    error text,
    requested_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, job_id)
);
-- One job of a kind and mode at a time; a second request finds the first.
CREATE UNIQUE INDEX sync_jobs_live ON commerce.sync_jobs (tenant_id, shop_id, kind, mode)
    WHERE status IN ('queued', 'running');
CREATE INDEX sync_jobs_ready ON commerce.sync_jobs (not_before) WHERE status IN ('queued', 'running');

-- The window of one bulk operation inside a job: resumable at every point.
CREATE TABLE commerce.bulk_operations (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    job_id uuid NOT NULL,
    window_no integer NOT NULL,
    search text NOT NULL,
    gid text,
    status text NOT NULL DEFAULT 'planned',
    url text,
    object_count bigint,
    root_object_count bigint,
    roots_done bigint NOT NULL DEFAULT 0,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    done_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, job_id, window_no)
);

-- Where the polls stand, one row per shop and kind.
CREATE TABLE commerce.sync_state (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    kind text NOT NULL,
    cursor_updated_at timestamptz,
    cursor_id bigint,
    full_synced_at timestamptz,
    last_polled_at timestamptz,
    last_success_at timestamptz,
    last_error text,
    PRIMARY KEY (tenant_id, shop_id, kind)
);

CREATE TABLE commerce.webhook_subscriptions (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    topic text NOT NULL,
    gid text NOT NULL,
    uri text NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, shop_id, topic)
);

DO $$
DECLARE
    protected text;
BEGIN
    FOREACH protected IN ARRAY ARRAY[
        'shops', 'orders', 'order_lines', 'refunds', 'refund_lines', 'transactions', 'fulfillments',
        'products', 'variants', 'customers', 'customer_addresses', 'locations', 'inventory_items',
        'inventory_levels', 'tombstones', 'webhook_events', 'refetches', 'sync_jobs',
        'bulk_operations', 'sync_state', 'webhook_subscriptions'
    ] LOOP
        CALL accounts.protect(('commerce.' || protected)::regclass, 'tillstream_syncer');
        EXECUTE format('GRANT SELECT ON commerce.%I TO tillstream_gateway, tillstream_analytics', protected);
    END LOOP;
END
$$;

-- A command is a row first and a message second: the gateway may ask for a job, nothing more.
GRANT INSERT ON commerce.sync_jobs TO tillstream_gateway;
