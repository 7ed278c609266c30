-- Deliveries that could not be published because the broker was away; drained when it is back.
CREATE TABLE intake.spool (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    spool_id bigint GENERATED ALWAYS AS IDENTITY,
    delivery bytea NOT NULL,
    spooled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, shop_id, spool_id)
);
CREATE INDEX spool_order ON intake.spool (spool_id);
ALTER TABLE intake.spool ALTER COLUMN delivery SET STORAGE EXTERNAL;

-- Claim check: bodies too large for the bus.
CREATE TABLE intake.bodies (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    body_id uuid NOT NULL,
    body bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, shop_id, body_id)
);
ALTER TABLE intake.bodies ALTER COLUMN body SET STORAGE EXTERNAL;

CALL accounts.protect('intake.spool', 'tillstream_webhooks');
CALL accounts.protect('intake.bodies', 'tillstream_webhooks');
GRANT SELECT ON intake.bodies TO tillstream_syncer;
