-- Erasing a shop reaches into every schema, and no service may write them all. These functions may,
-- for their caller, and only what they check themselves: a request of Shopify's that is open, and a
-- store that has left. They act as the owner of the tables, who is bound by row level security too.

-- Every table that holds rows of a shop, read from the catalogue, so that none can be forgotten.
-- Two stay: the store's own row, which says whose the shop was, and the proof.
CREATE FUNCTION accounts.shop_tables() RETURNS TABLE (name text)
LANGUAGE sql STABLE AS $$
    SELECT format('%I.%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_'
        AND 2 = (
            SELECT count(*) FROM pg_attribute a
            WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attname IN ('tenant_id', 'shop_id')
        )
        AND (n.nspname, c.relname) NOT IN (('accounts', 'stores'), ('commerce', 'privacy_requests'))
    -- What is referred to goes last.
    ORDER BY (
        SELECT count(*) FROM pg_constraint f WHERE f.confrelid = c.oid AND f.contype = 'f'
    ), n.nspname, c.relname DESC
$$;

-- Deletes up to so many rows of a shop from the first table that has any, and says how many. No row:
-- nothing is left. A row without a table: it is refused, because the store is connected.
CREATE FUNCTION accounts.erase_shop(of_tenant uuid, of_shop bigint, at_most integer)
RETURNS TABLE (erased_from text, erased bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('app.tenant_id', of_tenant::text, true);
    PERFORM FROM accounts.stores s
    WHERE s.tenant_id = of_tenant AND s.shop_id = of_shop AND s.status <> 'active'
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN QUERY SELECT NULL::text, 0::bigint;
        RETURN;
    END IF;
    PERFORM FROM commerce.privacy_requests p
    WHERE p.tenant_id = of_tenant AND p.shop_id = of_shop AND p.topic = 'shop/redact'
        AND p.state = 'open';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'nobody asked to erase shop %', of_shop;
    END IF;
    FOR erased_from IN SELECT t.name FROM accounts.shop_tables() AS t LOOP
        EXECUTE format(
            'WITH gone AS (
                DELETE FROM %1$s WHERE tenant_id = $1 AND shop_id = $2 AND ctid = ANY (ARRAY(
                    SELECT ctid FROM %1$s WHERE tenant_id = $1 AND shop_id = $2 LIMIT $3
                )) RETURNING 1
            ) SELECT count(*) FROM gone', erased_from
        ) INTO erased USING of_tenant, of_shop, at_most;
        IF erased > 0 THEN
            RETURN NEXT;
            RETURN;
        END IF;
    END LOOP;
END
$$;

-- The store's row keeps its number, its domain and its tenant; false: it is connected again.
CREATE FUNCTION accounts.close_erased_shop(of_tenant uuid, of_shop bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('app.tenant_id', of_tenant::text, true);
    UPDATE accounts.stores s SET
        status = 'disconnected', status_reason = 'erased at Shopify''s request', name = NULL,
        plan = NULL, topics = NULL, disconnected_at = COALESCE(s.disconnected_at, now())
    WHERE s.tenant_id = of_tenant AND s.shop_id = of_shop AND s.status <> 'active';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM accounts.oauth_states o USING accounts.stores s
    WHERE s.tenant_id = of_tenant AND s.shop_id = of_shop AND o.tenant_id = of_tenant
        AND o.shop_domain = s.shop_domain;
    RETURN true;
END
$$;

-- Claim-checked bodies belong to the receiver.
CREATE FUNCTION accounts.erase_large_bodies(of_tenant uuid, of_shop bigint, of_bodies uuid[])
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('app.tenant_id', of_tenant::text, true);
    DELETE FROM intake.bodies b
    WHERE b.tenant_id = of_tenant AND b.shop_id = of_shop AND b.body_id = ANY (of_bodies);
END
$$;

-- The audit log takes what became of a privacy request, and nothing else, from the syncer.
CREATE FUNCTION accounts.audit_privacy(of_tenant uuid, of_shop bigint, of_action text, said jsonb)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('app.tenant_id', of_tenant::text, true);
    INSERT INTO accounts.audit_log (tenant_id, actor, action, target, details)
    SELECT of_tenant, 'shopify', 'privacy.' || of_action, COALESCE((
        SELECT s.shop_domain FROM accounts.stores s
        WHERE s.tenant_id = of_tenant AND s.shop_id = of_shop
    ), of_shop::text), said;
END
$$;

REVOKE ALL ON FUNCTION accounts.erase_shop, accounts.close_erased_shop,
    accounts.erase_large_bodies, accounts.audit_privacy FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounts.erase_shop, accounts.close_erased_shop,
    accounts.erase_large_bodies, accounts.audit_privacy TO tillstream_syncer;
