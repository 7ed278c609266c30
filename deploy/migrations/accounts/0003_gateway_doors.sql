-- Who calls: a key of a suspended tenant must not work.
GRANT SELECT ON accounts.tenants TO tillstream_auth;
CREATE POLICY door ON accounts.tenants FOR SELECT TO tillstream_auth USING (true);

-- Creating a tenant is a command of the operator, who connects as the gateway and names the new
-- tenant's id first; the tenant policy then lets exactly that row in.
CREATE INDEX credentials_expiry ON accounts.credentials (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX oauth_states_expiry ON accounts.oauth_states (expires_at);
