-- name: credential
SELECT s.shop_domain, c.access_token_enc, c.expires_at, ARRAY(
    SELECT unnest(k.missing_scopes) FROM commerce.capabilities k
    WHERE k.tenant_id = $1 AND k.shop_id = $2
) AS lacking
FROM accounts.stores s JOIN accounts.credentials c USING (tenant_id, shop_id)
WHERE s.tenant_id = $1 AND s.shop_id = $2 AND s.status = 'active'

-- name: is_renamed
SELECT EXISTS (
    SELECT FROM accounts.stores
    WHERE tenant_id = $1 AND shop_id = $2 AND COALESCE(shopify_shop_id, $3) = $3 AND shop_domain <> $4
)
