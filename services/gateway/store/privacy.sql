-- name: requests
SELECT request_id, shop_id, topic, webhook_id, customer_id, order_ids, received_at, due_at,
    state = 'open' AND due_at < now() AS is_overdue, state, result, done_at, erased::text AS erased,
    encode(body_sha256, 'hex') AS body_sha256, expires_at
FROM commerce.privacy_requests
WHERE ($1::uuid IS NULL OR request_id = $1) AND ($2::bigint IS NULL OR shop_id = $2)
    AND ($3::text IS NULL OR state = $3)
    AND ($4::timestamptz IS NULL OR (received_at, request_id) < ($4, $5::uuid))
ORDER BY received_at DESC, request_id DESC
LIMIT $6

-- name: part
SELECT lines FROM commerce.privacy_exports
WHERE shop_id = $1 AND request_id = $2 AND part_no = $3 AND expires_at > now()
