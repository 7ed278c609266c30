-- An endpoint whose events are kept listens too.
CREATE OR REPLACE FUNCTION commerce.is_listened_to(of_tenant uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT COALESCE(current_setting('tillstream.domain_events', true), '') = 'on' OR EXISTS (
        SELECT FROM accounts.webhook_endpoints w
        WHERE (w.disabled_at IS NULL OR w.kept_until > now())
            AND (of_tenant IS NULL OR w.tenant_id = of_tenant)
    )
$$;
