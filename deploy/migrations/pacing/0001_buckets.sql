-- What Shopify lets an app ask of each shop, shared by every process that asks.
CREATE SCHEMA pacing;
GRANT USAGE ON SCHEMA pacing TO tillstream_gateway, tillstream_syncer;

-- One row per shop, changed by compare-and-swap on version: nobody waits for a lock that a dead or
-- stopped process holds. Points as Shopify counts them; seen_at by this server's clock, the only
-- clock that counts. level was left at seen_at after what was sent; spent only grows; slots is what
-- is left of the requests per second. holds: id -> requests sent or waiting, each with its end.
CREATE TABLE pacing.buckets (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    version bigint NOT NULL,
    maximum double precision NOT NULL,
    restore_rate double precision NOT NULL,
    level double precision NOT NULL,
    seen_at timestamptz NOT NULL,
    spent double precision NOT NULL,
    slots double precision NOT NULL,
    paused_until timestamptz,
    answered boolean NOT NULL,
    holds jsonb NOT NULL,
    PRIMARY KEY (tenant_id, shop_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- Requests to the Admin API by shop and UTC day. points are actual costs; interactive is how many
-- of the requests somebody waited for; throttled ones were refused for want of points, errors are
-- all other failures.
CREATE TABLE pacing.usage_daily (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    day date NOT NULL,
    requests bigint NOT NULL,
    interactive bigint NOT NULL,
    points double precision NOT NULL,
    throttled bigint NOT NULL,
    errors bigint NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, day)
) WITH (fillfactor = 70);

-- The gateway sees the tenant it names; the syncer is among those let through by name.
CALL accounts.protect('pacing.buckets', 'tillstream_syncer');
CALL accounts.protect('pacing.usage_daily', 'tillstream_syncer');
GRANT SELECT, INSERT, UPDATE ON pacing.buckets, pacing.usage_daily TO tillstream_gateway;
