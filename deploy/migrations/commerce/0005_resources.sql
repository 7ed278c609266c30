-- What else Shopify knows about a shop, in the manner of 0001: one row per object, children replaced
-- as a set, raw (zstd) and source on the object itself. Kinds that Shopify gives no updated_at carry
-- the time at which they were read.

-- The order as its own ledger tells it: agreements and sales, returns, risk. Read apart from the
-- order, because a bulk query may have five connections.
CREATE TABLE commerce.order_details (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    edited boolean NOT NULL,
    app_name text,
    channel text,
    channel_name text,
    return_status text,
    risk_recommendation text,
    total_refunded numeric(18, 4) NOT NULL,
    total_received numeric(18, 4) NOT NULL,
    net_payment numeric(18, 4) NOT NULL,
    current_total_duties numeric(18, 4),
    current_total_additional_fees numeric(18, 4),
    updated_at timestamptz NOT NULL,
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, order_id)
);

CREATE TABLE commerce.sales_agreements (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    agreement_id bigint NOT NULL,
    happened_at timestamptz NOT NULL,
    reason text NOT NULL,
    app_id bigint,
    user_id bigint,
    PRIMARY KEY (tenant_id, shop_id, order_id, agreement_id)
);

-- One line of Shopify's ledger. Amounts are signed: a return is negative. total is after discounts
-- and with tax.
CREATE TABLE commerce.sales (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    agreement_id bigint NOT NULL,
    sale_id bigint NOT NULL,
    action_type text NOT NULL,
    line_type text NOT NULL,
    line_id bigint,
    shipping_line_id bigint,
    quantity integer,
    total numeric(18, 4) NOT NULL,
    discount_before_taxes numeric(18, 4) NOT NULL,
    discount_after_taxes numeric(18, 4) NOT NULL,
    tax numeric(18, 4) NOT NULL,
    presentment_total numeric(18, 4) NOT NULL,
    presentment_tax numeric(18, 4) NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, order_id, agreement_id, sale_id)
);

CREATE TABLE commerce.returns (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    return_id bigint NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    total_quantity integer NOT NULL,
    decline_reason text,
    created_at timestamptz NOT NULL,
    closed_at timestamptz,
    request_approved_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, order_id, return_id)
);

CREATE TABLE commerce.return_lines (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    return_id bigint NOT NULL,
    return_line_id bigint NOT NULL,
    line_id bigint,
    quantity integer NOT NULL,
    processed_quantity integer NOT NULL,
    refundable_quantity integer NOT NULL,
    refunded_quantity integer NOT NULL,
    reason text,
    reason_note text,
    customer_note text,
    total numeric(18, 4),
    PRIMARY KEY (tenant_id, shop_id, order_id, return_id, return_line_id)
);

-- Assessments have no id; position is their place in Shopify's list.
CREATE TABLE commerce.order_risks (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    position integer NOT NULL,
    provider_id bigint,
    provider_name text,
    risk_level text NOT NULL,
    facts jsonb NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, order_id, position)
);

CREATE TABLE commerce.fulfillment_orders (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    fulfillment_order_id bigint NOT NULL,
    order_id bigint NOT NULL,
    status text NOT NULL,
    request_status text NOT NULL,
    location_id bigint,
    location_name text,
    delivery_method text,
    destination jsonb,
    holds jsonb NOT NULL,
    supported_actions text[] NOT NULL,
    fulfill_at timestamptz,
    fulfill_by timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, fulfillment_order_id)
);
CREATE INDEX fulfillment_orders_order ON commerce.fulfillment_orders (tenant_id, shop_id, order_id);

CREATE TABLE commerce.fulfillment_order_lines (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    fulfillment_order_id bigint NOT NULL,
    fulfillment_order_line_id bigint NOT NULL,
    line_id bigint NOT NULL,
    variant_id bigint,
    inventory_item_id bigint,
    sku text,
    title text NOT NULL,
    total_quantity integer NOT NULL,
    remaining_quantity integer NOT NULL,
    requires_shipping boolean NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, fulfillment_order_id, fulfillment_order_line_id)
);

CREATE TABLE commerce.draft_orders (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    draft_order_id bigint NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    customer_id bigint,
    order_id bigint,
    email text,
    phone text,
    currency char(3) NOT NULL,
    presentment_currency char(3) NOT NULL,
    taxes_included boolean NOT NULL,
    tax_exempt boolean NOT NULL,
    subtotal_price numeric(18, 4) NOT NULL,
    total_discounts numeric(18, 4) NOT NULL,
    total_shipping numeric(18, 4) NOT NULL,
    total_tax numeric(18, 4) NOT NULL,
    total_price numeric(18, 4) NOT NULL,
    presentment_total_price numeric(18, 4) NOT NULL,
    discount_codes text[] NOT NULL,
    tags text[] NOT NULL,
    note text,
    po_number text,
    invoice_url text,
    invoice_sent_at timestamptz,
    completed_at timestamptz,
    applied_discount jsonb,
    shipping_line jsonb,
    billing_address jsonb,
    shipping_address jsonb,
    attributes jsonb NOT NULL,
    tax_lines jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, draft_order_id)
);

CREATE TABLE commerce.draft_order_lines (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    draft_order_id bigint NOT NULL,
    line_id bigint NOT NULL,
    position integer NOT NULL,
    product_id bigint,
    variant_id bigint,
    sku text,
    title text NOT NULL,
    variant_title text,
    vendor text,
    quantity integer NOT NULL,
    price numeric(18, 4) NOT NULL,
    discounted_total numeric(18, 4) NOT NULL,
    custom boolean NOT NULL,
    gift_card boolean NOT NULL,
    requires_shipping boolean NOT NULL,
    taxable boolean NOT NULL,
    attributes jsonb NOT NULL,
    tax_lines jsonb NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, draft_order_id, line_id)
);

CREATE TABLE commerce.abandoned_checkouts (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    checkout_id bigint NOT NULL,
    name text NOT NULL,
    customer_id bigint,
    url text NOT NULL,
    currency char(3) NOT NULL,
    presentment_currency char(3) NOT NULL,
    taxes_included boolean NOT NULL,
    line_items_price numeric(18, 4) NOT NULL,
    subtotal_price numeric(18, 4) NOT NULL,
    total_discounts numeric(18, 4) NOT NULL,
    total_duties numeric(18, 4),
    total_tax numeric(18, 4),
    total_price numeric(18, 4) NOT NULL,
    presentment_total_price numeric(18, 4) NOT NULL,
    discount_codes text[] NOT NULL,
    note text,
    billing_address jsonb,
    shipping_address jsonb,
    attributes jsonb NOT NULL,
    tax_lines jsonb NOT NULL,
    completed_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, checkout_id)
);

-- A checkout's lines have ids that are not numbers; position is their place in Shopify's list.
CREATE TABLE commerce.abandoned_checkout_lines (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    checkout_id bigint NOT NULL,
    position integer NOT NULL,
    product_id bigint,
    variant_id bigint,
    sku text,
    title text,
    variant_title text,
    quantity integer NOT NULL,
    price numeric(18, 4) NOT NULL,
    discounted_total numeric(18, 4) NOT NULL,
    attributes jsonb NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, checkout_id, position)
);

CREATE TABLE commerce.collections (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    collection_id bigint NOT NULL,
    title text NOT NULL,
    handle text NOT NULL,
    collection_type text NOT NULL,
    description_html text,
    sort_order text,
    rules jsonb,
    image jsonb,
    template_suffix text,
    products_count bigint,
    updated_at timestamptz NOT NULL,
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, collection_id)
);

-- Membership, whether by hand or by rule; position follows the collection's sort order.
CREATE TABLE commerce.collection_products (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    collection_id bigint NOT NULL,
    product_id bigint NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, collection_id, product_id)
);
CREATE INDEX collection_products_product
    ON commerce.collection_products (tenant_id, shop_id, product_id);

CREATE TABLE commerce.discounts (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    discount_id bigint NOT NULL,
    type text NOT NULL,
    method text NOT NULL,
    title text NOT NULL,
    status text NOT NULL,
    summary text,
    discount_classes text[] NOT NULL,
    combines_with jsonb,
    usage_count bigint,
    usage_limit bigint,
    applies_once_per_customer boolean,
    total_sales numeric(18, 4),
    currency char(3),
    starts_at timestamptz,
    ends_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, discount_id)
);

CREATE TABLE commerce.discount_codes (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    discount_id bigint NOT NULL,
    code_id bigint NOT NULL,
    code text NOT NULL,
    usage_count bigint NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, discount_id, code_id)
);

CREATE TABLE commerce.gift_cards (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    gift_card_id bigint NOT NULL,
    last_characters text NOT NULL,
    customer_id bigint,
    order_id bigint,
    line_id bigint,
    currency char(3) NOT NULL,
    initial_value numeric(18, 4) NOT NULL,
    balance numeric(18, 4) NOT NULL,
    enabled boolean NOT NULL,
    note text,
    expires_on date,
    deactivated_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, gift_card_id)
);

CREATE TABLE commerce.payouts (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    payout_id bigint NOT NULL,
    status text NOT NULL,
    transaction_type text NOT NULL,
    currency char(3) NOT NULL,
    net numeric(18, 4) NOT NULL,
    summary jsonb NOT NULL,
    issued_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, payout_id)
);

CREATE TABLE commerce.disputes (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    dispute_id bigint NOT NULL,
    order_id bigint,
    type text NOT NULL,
    status text NOT NULL,
    reason text,
    network_reason_code text,
    currency char(3) NOT NULL,
    amount numeric(18, 4) NOT NULL,
    initiated_at timestamptz NOT NULL,
    evidence_due_by timestamptz,
    evidence_sent_on timestamptz,
    finalized_on timestamptz,
    updated_at timestamptz NOT NULL,
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, dispute_id)
);

CREATE TABLE commerce.balance_transactions (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    balance_transaction_id bigint NOT NULL,
    type text NOT NULL,
    test boolean NOT NULL,
    currency char(3) NOT NULL,
    amount numeric(18, 4) NOT NULL,
    fee numeric(18, 4) NOT NULL,
    net numeric(18, 4) NOT NULL,
    source_type text,
    source_id bigint,
    source_order_transaction_id bigint,
    order_id bigint,
    payout_id bigint,
    payout_status text,
    transaction_date timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    raw bytea NOT NULL,
    source text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, balance_transaction_id)
);

-- Metafields of the namespaces that the store's owner chose; value as Shopify writes it.
CREATE TABLE commerce.product_metafields (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    product_id bigint NOT NULL,
    metafield_id bigint NOT NULL,
    namespace text NOT NULL,
    key text NOT NULL,
    type text NOT NULL,
    value text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, product_id, metafield_id)
);
CREATE TABLE commerce.variant_metafields (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    product_id bigint NOT NULL,
    variant_id bigint NOT NULL,
    metafield_id bigint NOT NULL,
    namespace text NOT NULL,
    key text NOT NULL,
    type text NOT NULL,
    value text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, product_id, variant_id, metafield_id)
);
CREATE TABLE commerce.customer_metafields (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    metafield_id bigint NOT NULL,
    namespace text NOT NULL,
    key text NOT NULL,
    type text NOT NULL,
    value text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, customer_id, metafield_id)
);
CREATE TABLE commerce.order_metafields (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    order_id bigint NOT NULL,
    metafield_id bigint NOT NULL,
    namespace text NOT NULL,
    key text NOT NULL,
    type text NOT NULL,
    value text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, order_id, metafield_id)
);
CREATE TABLE commerce.collection_metafields (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    collection_id bigint NOT NULL,
    metafield_id bigint NOT NULL,
    namespace text NOT NULL,
    key text NOT NULL,
    type text NOT NULL,
    value text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, collection_id, metafield_id)
);

-- Who became whom: customer_id is gone, its orders belong to merged_into.
CREATE TABLE commerce.customer_merges (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    merged_into bigint NOT NULL,
    merged_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, customer_id)
);

DO $$
DECLARE
    protected text;
BEGIN
    FOREACH protected IN ARRAY ARRAY[
        'order_details', 'sales_agreements', 'sales', 'returns', 'return_lines', 'order_risks',
        'fulfillment_orders', 'fulfillment_order_lines', 'draft_orders', 'draft_order_lines',
        'abandoned_checkouts', 'abandoned_checkout_lines', 'collections', 'collection_products',
        'discounts', 'discount_codes', 'gift_cards', 'payouts', 'disputes', 'balance_transactions',
        'product_metafields', 'variant_metafields', 'customer_metafields', 'order_metafields',
        'collection_metafields', 'customer_merges'
    ] LOOP
        CALL accounts.protect(('commerce.' || protected)::regclass, 'tillstream_syncer');
        EXECUTE format('GRANT SELECT ON commerce.%I TO tillstream_gateway, tillstream_analytics', protected);
    END LOOP;
    FOREACH protected IN ARRAY ARRAY[
        'order_details', 'fulfillment_orders', 'draft_orders', 'abandoned_checkouts', 'collections',
        'discounts', 'gift_cards', 'payouts', 'disputes', 'balance_transactions'
    ] LOOP
        EXECUTE format('ALTER TABLE commerce.%I ALTER COLUMN raw SET STORAGE EXTERNAL', protected);
    END LOOP;
END
$$;

-- A job's kind is the name of a resource; the code knows which there are.
ALTER TABLE commerce.sync_jobs DROP CONSTRAINT sync_jobs_kind_check;
ALTER TABLE commerce.sync_jobs ADD CONSTRAINT sync_jobs_kind_check CHECK (kind ~ '^[a-z_]{1,40}$');
