-- name: ready
SELECT 1

-- name: enter_door
-- Look across tenants until the transaction ends or leave_door.
SELECT set_config('role', 'tillstream_auth', true)

-- name: leave_door
SELECT set_config('role', 'tillstream_gateway', true)

-- name: api_key
SELECT k.tenant_id::text, k.key_id, k.secret_hash, k.scopes, k.expires_at, k.revoked_at,
    k.last_used_at, t.status AS tenant_status
FROM accounts.api_keys k JOIN accounts.tenants t USING (tenant_id)
WHERE k.key_id = $1

-- name: touch_api_key
UPDATE accounts.api_keys SET last_used_at = $2
WHERE key_id = $1 AND (last_used_at IS NULL OR last_used_at < $2)

-- name: insert_tenant
INSERT INTO accounts.tenants (tenant_id, name) VALUES ($1, $2)

-- name: insert_api_key
INSERT INTO accounts.api_keys (tenant_id, key_id, secret_hash, name, scopes, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: revoke_api_key
UPDATE accounts.api_keys SET revoked_at = now() WHERE key_id = $1 AND revoked_at IS NULL
RETURNING name

-- name: set_tenant_status
UPDATE accounts.tenants SET status = $2 WHERE tenant_id = $1 AND status <> $2
RETURNING name

-- name: set_webhook_secret
UPDATE accounts.credentials SET webhook_secret_enc = $2 WHERE shop_id = $1
RETURNING shop_id

-- name: store_of_domain
SELECT tenant_id::text, shop_id FROM accounts.stores
WHERE shop_domain = $1 AND status <> 'disconnected'

-- name: tenant_name
SELECT name FROM accounts.tenants WHERE tenant_id = $1

-- name: insert_audit
INSERT INTO accounts.audit_log (tenant_id, actor, action, target, details, request_id)
VALUES ($1, $2, $3, $4, $5::text::jsonb, $6)

-- name: insert_state
INSERT INTO accounts.oauth_states
    (tenant_id, state_hash, shop_domain, redirect_uri, browser_hash, created_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: forget_states
DELETE FROM accounts.oauth_states WHERE expires_at < $1

-- name: oauth_state
SELECT o.tenant_id::text, o.shop_domain, o.redirect_uri, o.browser_hash, o.created_by,
    o.expires_at, o.used_at
FROM accounts.oauth_states o JOIN accounts.tenants t USING (tenant_id)
WHERE o.state_hash = $1 AND t.status = 'active'

-- name: bind_state
-- The first browser that goes on keeps it.
UPDATE accounts.oauth_states SET browser_hash = $2
WHERE state_hash = $1 AND used_at IS NULL AND (browser_hash IS NULL OR browser_hash = $2)
RETURNING state_hash

-- name: use_state
-- Two callbacks at once: one of them updates nothing.
UPDATE accounts.oauth_states SET used_at = now()
WHERE state_hash = $1 AND used_at IS NULL
RETURNING state_hash

-- name: lock_domain
SELECT pg_advisory_xact_lock(hashtextextended('store ' || $1, 0))

-- name: holder_of_domain
SELECT tenant_id::text FROM accounts.stores
WHERE shop_domain = $1 AND status <> 'disconnected'

-- name: revive_store
UPDATE accounts.stores
SET status = 'active', status_reason = NULL, disconnected_at = NULL, connected_at = now(),
    shopify_shop_id = $2, name = $3, plan = $4, currency = $5, iana_timezone = $6
WHERE shop_id = (
    SELECT shop_id FROM accounts.stores WHERE shop_domain = $1
    ORDER BY (status <> 'disconnected') DESC, shop_id DESC LIMIT 1
)
RETURNING shop_id

-- name: insert_store
INSERT INTO accounts.stores
    (tenant_id, shop_domain, shopify_shop_id, name, plan, currency, iana_timezone)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING shop_id

-- name: save_credentials
INSERT INTO accounts.credentials
    (tenant_id, shop_id, grant_type, access_token_enc, refresh_token_enc, scopes, expires_at,
     refresh_expires_at, token_last4)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (tenant_id, shop_id) DO UPDATE SET
    grant_type = excluded.grant_type,
    access_token_enc = excluded.access_token_enc,
    refresh_token_enc = excluded.refresh_token_enc,
    scopes = excluded.scopes,
    expires_at = excluded.expires_at,
    refresh_expires_at = excluded.refresh_expires_at,
    token_last4 = excluded.token_last4,
    version = credentials.version + 1

-- name: stores
SELECT s.shop_id, s.shop_domain, s.name, s.plan, s.currency, s.iana_timezone, s.status,
    s.status_reason, s.connected_at, s.disconnected_at,
    s.status = 'active' AS is_active,
    s.status = 'active' AND c.shop_id IS NOT NULL
        AND (c.expires_at IS NULL OR c.expires_at > now()) AS is_connected,
    c.grant_type, COALESCE(c.scopes, '{}') AS granted_scopes, c.token_last4,
    c.expires_at AS token_expires_at,
    (SELECT max(y.last_success_at) FROM commerce.sync_state y
     WHERE y.tenant_id = s.tenant_id AND y.shop_id = s.shop_id) AS last_sync_at
FROM accounts.stores s LEFT JOIN accounts.credentials c USING (tenant_id, shop_id)
WHERE $1::text IS NULL OR s.shop_domain = $1 OR s.shop_id::text = $1
ORDER BY s.status = 'disconnected', s.shop_id

-- name: token_health
SELECT s.shop_id, s.shop_domain, s.status, c.grant_type, c.expires_at AS token_expires_at,
    c.refresh_expires_at,
    s.status = 'active' AND c.shop_id IS NOT NULL
        AND (c.expires_at IS NULL OR c.expires_at > now()) AS healthy
FROM accounts.stores s LEFT JOIN accounts.credentials c USING (tenant_id, shop_id)
WHERE s.status <> 'disconnected'
ORDER BY s.shop_id

-- name: set_status
UPDATE accounts.stores
SET status = $2, status_reason = $3,
    disconnected_at = CASE WHEN $2 = 'disconnected' THEN now() ELSE disconnected_at END
WHERE shop_id = $1 AND status <> 'disconnected'
RETURNING shop_domain

-- name: leave
-- Only if the store was not connected again after Shopify said so. A token that was refused before
-- we heard why does not keep us from hearing it.
UPDATE accounts.stores SET status = $2, status_reason = $3
WHERE shop_id = $1 AND connected_at <= $4
    AND (status = 'active' OR status = 'reauth_required' AND $2 = 'uninstalled')
RETURNING shop_domain

-- name: rename
-- An older notice than the last change of name changes nothing, nor does one of the present name.
WITH was AS (
    SELECT s.tenant_id, s.shop_id, s.shop_domain, s.connected_at FROM accounts.stores s
    WHERE s.shop_id = $1 AND s.shop_domain <> $2 AND NOT EXISTS (
        SELECT FROM accounts.store_domains o WHERE o.shop_id = s.shop_id AND o.until > $3
    )
    FOR UPDATE
), kept AS (
    INSERT INTO accounts.store_domains AS d (tenant_id, shop_id, domain, since, until)
    SELECT w.tenant_id, w.shop_id, w.shop_domain, COALESCE((
        SELECT max(o.until) FROM accounts.store_domains o WHERE o.shop_id = w.shop_id
    ), w.connected_at), $3 FROM was w
    ON CONFLICT (tenant_id, shop_id, domain) DO UPDATE SET until = excluded.until
)
UPDATE accounts.stores s SET shop_domain = $2 FROM was w
WHERE s.tenant_id = w.tenant_id AND s.shop_id = w.shop_id
RETURNING w.shop_domain

-- name: erase_credentials
DELETE FROM accounts.credentials WHERE shop_id = $1

-- name: due_for_refresh
SELECT c.tenant_id::text, c.shop_id
FROM accounts.credentials c JOIN accounts.stores s USING (tenant_id, shop_id)
WHERE s.status = 'active' AND c.expires_at < $1
    AND (c.grant_type = 'client_credentials'
        OR c.grant_type = 'authorization_code' AND c.refresh_token_enc IS NOT NULL)
ORDER BY c.expires_at
LIMIT 1000

-- name: lock_shop
SELECT pg_advisory_xact_lock(hashtextextended('token ' || $1::bigint::text, 0))

-- name: credentials
SELECT c.tenant_id::text, c.shop_id, s.shop_domain, s.status, c.grant_type, c.access_token_enc,
    c.refresh_token_enc, c.expires_at, c.scopes
FROM accounts.credentials c JOIN accounts.stores s USING (tenant_id, shop_id)
WHERE c.shop_id = $1
