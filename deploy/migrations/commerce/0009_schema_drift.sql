-- What a shop answered that we do not know: another API version, a word missing from an enum, a
-- field missing from our list. Reported, never fatal; the raw payload keeps what the columns lack.
-- kind: version | enum | field. count is how often it was seen among what was looked at.
CREATE TABLE commerce.schema_drift (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('version', 'enum', 'field')),
    what text NOT NULL,
    example text NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    count bigint NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, kind, what)
) WITH (fillfactor = 70);

CALL accounts.protect('commerce.schema_drift', 'tillstream_syncer');
GRANT SELECT ON commerce.schema_drift TO tillstream_gateway;
