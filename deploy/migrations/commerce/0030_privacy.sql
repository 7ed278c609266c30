-- What Shopify's privacy topics ask for, by when, and the proof that it was done.

-- state: open | done | refused. names: how else the customer is called (email, phone), while open.
-- step and place: how far it is, so that a kill costs one piece. erased: {table: rows}, the proof.
CREATE TABLE commerce.privacy_requests (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    request_id uuid NOT NULL DEFAULT gen_random_uuid(),
    topic text NOT NULL
        CHECK (topic IN ('customers/data_request', 'customers/redact', 'shop/redact')),
    webhook_id text NOT NULL,
    customer_id bigint,
    order_ids bigint[] NOT NULL,
    names text[] NOT NULL,
    body_sha256 bytea NOT NULL,
    received_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'refused')),
    not_before timestamptz NOT NULL DEFAULT now(),
    step text NOT NULL DEFAULT 'begin',
    place text[],
    erased jsonb NOT NULL DEFAULT '{}',
    result text,
    done_at timestamptz,
    expires_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, request_id),
    UNIQUE (tenant_id, shop_id, topic, webhook_id)
);
CREATE INDEX privacy_requests_open ON commerce.privacy_requests (due_at) WHERE state = 'open';

-- Whose personal fields were erased: whatever is written about them later loses these fields again.
CREATE TABLE commerce.redactions (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('customer', 'order')),
    id bigint NOT NULL,
    redacted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, shop_id, kind, id)
);

-- What was asked for about a customer: zstd frames of JSON Lines, in order, until they expire.
CREATE TABLE commerce.privacy_exports (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    request_id uuid NOT NULL,
    part_no integer NOT NULL,
    lines bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, request_id, part_no)
);
ALTER TABLE commerce.privacy_exports ALTER COLUMN lines SET STORAGE EXTERNAL;
CREATE INDEX privacy_exports_expiry ON commerce.privacy_exports (expires_at);

CALL accounts.protect('commerce.privacy_requests', 'tillstream_syncer');
CALL accounts.protect('commerce.redactions', 'tillstream_syncer');
CALL accounts.protect('commerce.privacy_exports', 'tillstream_syncer');
GRANT SELECT ON commerce.privacy_requests, commerce.privacy_exports TO tillstream_gateway;

-- The archive of an object whose personal fields were erased: an empty JSON object, zstd.
CREATE FUNCTION commerce.nothing_archived() RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT '\x28b52ffd20021100007b7d'::bytea $$;

-- Called by every writer before it writes: it shares the shop's lock with other writers until it
-- commits, a redaction takes the lock alone. So each write sees the redaction, or is seen by it.
-- Returns the shops about which anything was redacted; gone: the whole shop was, and it has not come
-- back. A function, so that it looks only after it has the lock.
CREATE FUNCTION commerce.redacted_shops(of_tenants uuid[], of_shops bigint[])
RETURNS TABLE (tenant_id uuid, shop_id bigint, gone boolean)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('privacy ' || o.shop, 0))
    FROM (SELECT DISTINCT shop FROM unnest(of_shops) AS shop ORDER BY shop) AS o;
    RETURN QUERY
    SELECT found.* FROM (
        SELECT o.tenant, o.shop, EXISTS (
            SELECT FROM commerce.privacy_requests p
            JOIN accounts.stores s ON s.tenant_id = p.tenant_id AND s.shop_id = p.shop_id
            WHERE p.tenant_id = o.tenant AND p.shop_id = o.shop AND p.topic = 'shop/redact'
                AND p.state <> 'refused' AND s.status <> 'active'
        ) AS gone
        FROM (SELECT DISTINCT * FROM unnest(of_tenants, of_shops) AS u (tenant, shop)) AS o
    ) AS found
    WHERE found.gone OR EXISTS (
        SELECT FROM commerce.redactions r
        WHERE r.tenant_id = found.tenant AND r.shop_id = found.shop
    );
END
$$;

COMMENT ON TABLE commerce.privacy_requests IS 'What Shopify''s privacy topics asked for, by when, and the proof that it was done.';
COMMENT ON COLUMN commerce.privacy_requests.tenant_id IS 'owner of the row; row level security compares it with the session';
COMMENT ON COLUMN commerce.privacy_requests.shop_id IS 'store, our own number';
COMMENT ON COLUMN commerce.privacy_requests.request_id IS 'request';
COMMENT ON COLUMN commerce.privacy_requests.topic IS 'customers/data_request, customers/redact or shop/redact';
COMMENT ON COLUMN commerce.privacy_requests.webhook_id IS 'delivery that asked';
COMMENT ON COLUMN commerce.privacy_requests.customer_id IS 'customer; null for a shop';
COMMENT ON COLUMN commerce.privacy_requests.order_ids IS 'orders that Shopify named';
COMMENT ON COLUMN commerce.privacy_requests.names IS 'email and phone of the customer while the request is open, empty afterwards';
COMMENT ON COLUMN commerce.privacy_requests.body_sha256 IS 'SHA-256 of the body that asked';
COMMENT ON COLUMN commerce.privacy_requests.received_at IS 'when it was received';
COMMENT ON COLUMN commerce.privacy_requests.due_at IS 'by when it must be done: 30 days after its receipt';
COMMENT ON COLUMN commerce.privacy_requests.state IS 'open, done or refused';
COMMENT ON COLUMN commerce.privacy_requests.not_before IS 'nobody works on it earlier';
COMMENT ON COLUMN commerce.privacy_requests.step IS 'what is done next';
COMMENT ON COLUMN commerce.privacy_requests.place IS 'how far that step is; null at its beginning';
COMMENT ON COLUMN commerce.privacy_requests.erased IS 'rows by table that lost personal fields or are gone; of an export, rows that it holds';
COMMENT ON COLUMN commerce.privacy_requests.result IS 'how it ended, in a sentence; null before';
COMMENT ON COLUMN commerce.privacy_requests.done_at IS 'when it was done or refused; null before';
COMMENT ON COLUMN commerce.privacy_requests.expires_at IS 'until when its export can be downloaded; null without one';
COMMENT ON TABLE commerce.redactions IS 'Customers and orders whose personal fields were erased, so that no later write brings them back.';
COMMENT ON COLUMN commerce.redactions.tenant_id IS 'owner of the row; row level security compares it with the session';
COMMENT ON COLUMN commerce.redactions.shop_id IS 'store, our own number';
COMMENT ON COLUMN commerce.redactions.kind IS 'customer or order';
COMMENT ON COLUMN commerce.redactions.id IS 'its Shopify id';
COMMENT ON COLUMN commerce.redactions.redacted_at IS 'when';
COMMENT ON TABLE commerce.privacy_exports IS 'What a customer asked to see, in parts.';
COMMENT ON COLUMN commerce.privacy_exports.tenant_id IS 'owner of the row; row level security compares it with the session';
COMMENT ON COLUMN commerce.privacy_exports.shop_id IS 'store, our own number';
COMMENT ON COLUMN commerce.privacy_exports.request_id IS 'request that it answers';
COMMENT ON COLUMN commerce.privacy_exports.part_no IS 'place of the part';
COMMENT ON COLUMN commerce.privacy_exports.lines IS 'JSON Lines, zstd';
COMMENT ON COLUMN commerce.privacy_exports.expires_at IS 'when it is deleted';
