-- One role per service, and one for the single door that looks across tenants (who is calling?).
-- Roles belong to the cluster, so another database may have made them already.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY[
        'tillstream_gateway', 'tillstream_webhooks', 'tillstream_syncer', 'tillstream_analytics',
        'tillstream_auth'
    ] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOINHERIT', role_name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        BEGIN
            EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
        EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE 'membership of % left as it is: %', role_name, SQLERRM;
        END;
    END LOOP;
    GRANT tillstream_auth TO tillstream_gateway;
END
$$;

CREATE SCHEMA accounts;
CREATE SCHEMA bus;
CREATE SCHEMA intake;
CREATE SCHEMA commerce;
CREATE SCHEMA analytics;

GRANT USAGE ON SCHEMA accounts, bus, commerce, analytics TO
    tillstream_gateway, tillstream_webhooks, tillstream_syncer, tillstream_analytics;
GRANT USAGE ON SCHEMA intake TO tillstream_webhooks, tillstream_syncer;
GRANT USAGE ON SCHEMA accounts TO tillstream_auth;

-- Row level security for one table: everybody sees the tenant named by app.tenant_id; the
-- roles that carry many tenants at once are let through by name instead of BYPASSRLS, which
-- managed servers do not grant. The owner is bound too.
CREATE PROCEDURE accounts.protect(protected regclass, owner_role text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', protected);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', protected);
    EXECUTE format(
        'CREATE POLICY tenant ON %s USING (tenant_id = NULLIF(current_setting(''app.tenant_id'', true), '''')::uuid)',
        protected
    );
    EXECUTE format(
        'CREATE POLICY ingest ON %s TO tillstream_webhooks, tillstream_syncer, tillstream_analytics USING (true) WITH CHECK (true)',
        protected
    );
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', protected, owner_role);
END
$$;

-- Stamps updated_at on every change.
CREATE FUNCTION accounts.touch() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
