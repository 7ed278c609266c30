-- name: credential
SELECT s.shop_domain, c.access_token_enc, c.expires_at
FROM accounts.stores s JOIN accounts.credentials c USING (tenant_id, shop_id)
WHERE s.tenant_id = $1 AND s.shop_id = $2 AND s.status = 'active'
