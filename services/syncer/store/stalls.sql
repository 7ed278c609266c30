-- name: note_untold
UPDATE commerce.sync_state SET untold_at = now()
WHERE tenant_id = $1 AND shop_id = $2 AND kind = $3

-- name: silent_shops
-- Only of what a shop is subscribed to can it fall silent: its owner may have chosen few topics.
SELECT u.shop_id
FROM (
    SELECT t.tenant_id, t.shop_id, max(t.untold_at) AS untold_at FROM commerce.sync_state t
    WHERE t.untold_at > now() - interval '1 day' AND EXISTS (
        SELECT FROM commerce.webhook_subscriptions w
        WHERE w.tenant_id = t.tenant_id AND w.shop_id = t.shop_id
            AND starts_with(w.topic, upper(t.kind))
    )
    GROUP BY t.tenant_id, t.shop_id
) AS u
JOIN accounts.stores s ON s.tenant_id = u.tenant_id AND s.shop_id = u.shop_id
WHERE s.status = 'active' AND NOT EXISTS (
    SELECT FROM commerce.webhook_events e
    WHERE e.tenant_id = u.tenant_id AND e.shop_id = u.shop_id
        AND e.received_at > u.untold_at - interval '30 minutes'
)
