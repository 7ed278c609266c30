-- A shop may change its myshopify domain; Shopify's deliveries may name either for a while.
-- until: when the shop was met under another name.
CREATE TABLE accounts.store_domains (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    domain text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, shop_id, domain),
    FOREIGN KEY (tenant_id, shop_id) REFERENCES accounts.stores
);
CREATE INDEX store_domains_domain ON accounts.store_domains (domain);
CALL accounts.protect('accounts.store_domains', 'tillstream_gateway');
GRANT SELECT ON accounts.store_domains TO tillstream_webhooks, tillstream_syncer;

CREATE INDEX stores_shopify_shop ON accounts.stores (shopify_shop_id) WHERE status <> 'disconnected';

-- Which webhooks a store's owner wants, of those that we would subscribe to; null: all of them.
ALTER TABLE accounts.stores ADD COLUMN topics text[];
