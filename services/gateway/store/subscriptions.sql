-- name: subscriptions
SELECT substring(gid FROM '[0-9]+$') AS id, topic, uri AS address, checked_at
FROM commerce.webhook_subscriptions WHERE shop_id = $1
ORDER BY topic
