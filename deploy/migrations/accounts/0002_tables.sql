CREATE TABLE accounts.tenants (
    tenant_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE accounts.api_keys (
    tenant_id uuid NOT NULL REFERENCES accounts.tenants,
    key_id text NOT NULL,
    secret_hash bytea NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    PRIMARY KEY (tenant_id, key_id)
);
CREATE UNIQUE INDEX api_keys_key_id ON accounts.api_keys (key_id);

-- status: active | reauth_required | uninstalled | disconnected
CREATE TABLE accounts.stores (
    tenant_id uuid NOT NULL REFERENCES accounts.tenants,
    shop_id bigint GENERATED ALWAYS AS IDENTITY,
    shop_domain text NOT NULL CHECK (shop_domain ~ '^[a-z0-9][a-z0-9-]*\.myshopify\.com$'),
    shopify_shop_id bigint,
    name text,
    plan text,
    currency char(3),
    iana_timezone text,
    status text NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'reauth_required', 'uninstalled', 'disconnected')),
    status_reason text,
    webhooks_enabled boolean NOT NULL DEFAULT true,
    sync_interval_orders integer CHECK (sync_interval_orders > 0),
    sync_interval_products integer CHECK (sync_interval_products > 0),
    sync_interval_customers integer CHECK (sync_interval_customers > 0),
    sync_interval_inventory integer CHECK (sync_interval_inventory > 0),
    connected_at timestamptz NOT NULL DEFAULT now(),
    disconnected_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, shop_id),
    UNIQUE (shop_id)
);
-- A shop is connected once, by one tenant; a former tenant keeps its disconnected row.
CREATE UNIQUE INDEX stores_live_domain ON accounts.stores (shop_domain) WHERE status <> 'disconnected';

-- grant_type: authorization_code | client_credentials | static_token | dev_env
CREATE TABLE accounts.credentials (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    grant_type text NOT NULL
        CHECK (grant_type IN ('authorization_code', 'client_credentials', 'static_token', 'dev_env')),
    access_token_enc text NOT NULL,
    refresh_token_enc text,
    webhook_secret_enc text,
    scopes text[] NOT NULL,
    expires_at timestamptz,
    refresh_expires_at timestamptz,
    token_last4 text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, shop_id),
    FOREIGN KEY (tenant_id, shop_id) REFERENCES accounts.stores
);

CREATE TABLE accounts.oauth_states (
    tenant_id uuid NOT NULL REFERENCES accounts.tenants,
    state_hash bytea NOT NULL,
    shop_domain text NOT NULL,
    redirect_uri text NOT NULL,
    browser_hash bytea,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (tenant_id, state_hash)
);
CREATE UNIQUE INDEX oauth_states_hash ON accounts.oauth_states (state_hash);

CREATE TABLE accounts.audit_log (
    tenant_id uuid NOT NULL,
    entry_id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    request_id text,
    PRIMARY KEY (tenant_id, entry_id)
);

CALL accounts.protect('accounts.tenants', 'tillstream_gateway');
CALL accounts.protect('accounts.api_keys', 'tillstream_gateway');
CALL accounts.protect('accounts.stores', 'tillstream_gateway');
CALL accounts.protect('accounts.credentials', 'tillstream_gateway');
CALL accounts.protect('accounts.oauth_states', 'tillstream_gateway');
CALL accounts.protect('accounts.audit_log', 'tillstream_gateway');
REVOKE UPDATE, DELETE ON accounts.audit_log FROM tillstream_gateway;

CREATE TRIGGER touch BEFORE UPDATE ON accounts.tenants FOR EACH ROW EXECUTE FUNCTION accounts.touch();
CREATE TRIGGER touch BEFORE UPDATE ON accounts.stores FOR EACH ROW EXECUTE FUNCTION accounts.touch();
CREATE TRIGGER touch BEFORE UPDATE ON accounts.credentials FOR EACH ROW EXECUTE FUNCTION accounts.touch();

-- The door across tenants: find the key, state or store that a caller names, nothing else.
GRANT SELECT ON accounts.api_keys, accounts.oauth_states, accounts.stores, accounts.credentials
    TO tillstream_auth;
CREATE POLICY door ON accounts.api_keys FOR SELECT TO tillstream_auth USING (true);
CREATE POLICY door ON accounts.oauth_states FOR SELECT TO tillstream_auth USING (true);
CREATE POLICY door ON accounts.stores FOR SELECT TO tillstream_auth USING (true);
CREATE POLICY door ON accounts.credentials FOR SELECT TO tillstream_auth USING (true);

GRANT SELECT ON accounts.stores, accounts.credentials TO
    tillstream_webhooks, tillstream_syncer, tillstream_analytics;
