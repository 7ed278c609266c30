-- The API tells how much of a store waits for the broker, and since when; never what.
GRANT USAGE ON SCHEMA intake TO tillstream_gateway;
GRANT SELECT (tenant_id, shop_id, spooled_at) ON intake.spool TO tillstream_gateway;
