-- A piece is found by its rows' places alone. With the shop's key beside them, statistics that expect a
-- handful of rows per shop had the planner walk all of the shop's rows for each piece, and compare each
-- with five thousand places.
CREATE OR REPLACE FUNCTION accounts.erase_shop(of_tenant uuid, of_shop bigint, at_most integer)
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
                DELETE FROM %1$s WHERE ctid = ANY (ARRAY(
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
