-- name: erase
SELECT erased_from, erased FROM accounts.erase_shop($1, $2, $3)

-- name: close
SELECT accounts.close_erased_shop($1, $2)

-- name: forget_customers
-- What its customers asked for is done with it.
UPDATE commerce.privacy_requests SET
    customer_id = NULL, order_ids = '{}', names = '{}', place = NULL,
    result = CASE WHEN state = 'open' THEN 'the whole shop was erased' ELSE result END,
    done_at = COALESCE(done_at, now()), expires_at = NULL,
    state = CASE WHEN state = 'open' THEN 'done' ELSE state END
WHERE tenant_id = $1 AND shop_id = $2 AND request_id <> $3
