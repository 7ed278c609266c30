-- Where a tenant wants its events delivered. event_types: null for all. The former secret also signs
-- until it ends, so that a receiver can change over without a gap.
CREATE TABLE accounts.webhook_endpoints (
    tenant_id uuid NOT NULL REFERENCES accounts.tenants,
    endpoint_id uuid NOT NULL,
    url text NOT NULL,
    description text NOT NULL DEFAULT '',
    event_types text[],
    secret_enc text NOT NULL,
    former_secret_enc text,
    former_secret_until timestamptz,
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, endpoint_id)
);
CALL accounts.protect('accounts.webhook_endpoints', 'tillstream_gateway');
CREATE TRIGGER touch BEFORE UPDATE ON accounts.webhook_endpoints
    FOR EACH ROW EXECUTE FUNCTION accounts.touch();

-- The syncer delivers, so it alone knows how an endpoint fares.
GRANT SELECT ON accounts.webhook_endpoints TO tillstream_syncer;
GRANT UPDATE (failing_since, disabled_at, disabled_reason) ON accounts.webhook_endpoints
    TO tillstream_syncer;
