-- name: add_event
INSERT INTO commerce.domain_events (tenant_id, shop_id, type, details)
SELECT $1::uuid, $2, $3, $4::text::jsonb WHERE commerce.is_listened_to($1::uuid)
