-- Proofs that our copy equals Shopify's. verify: everything is exported and compared; sample: some
-- objects are read by id each night. repair: what differs is also written.
ALTER TABLE commerce.sync_jobs DROP CONSTRAINT sync_jobs_mode_check;
ALTER TABLE commerce.sync_jobs ADD CONSTRAINT sync_jobs_mode_check
    CHECK (mode IN ('full', 'incremental', 'verify', 'sample'));
ALTER TABLE commerce.sync_jobs ADD COLUMN repair boolean NOT NULL DEFAULT false;

-- One run. settled_until: what Shopify changed later, the polls may not have read when the run began.
-- ours, theirs: objects on either side; compared: how many were looked at. pending: objects that
-- changed after settled_until and are not here yet. The row goes with its job.
CREATE TABLE commerce.verifications (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    job_id uuid NOT NULL,
    resource text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('verify', 'sample')),
    repair boolean NOT NULL,
    settled_until timestamptz NOT NULL,
    ours bigint,
    theirs bigint,
    compared bigint NOT NULL DEFAULT 0,
    pending bigint NOT NULL DEFAULT 0,
    differences bigint NOT NULL DEFAULT 0,
    repaired bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, job_id),
    FOREIGN KEY (tenant_id, shop_id, job_id) REFERENCES commerce.sync_jobs ON DELETE CASCADE
);
-- The newest run of each shop and resource.
CREATE INDEX verifications_newest
    ON commerce.verifications (tenant_id, shop_id, resource, mode, started_at DESC);

-- what: missing_here | deleted_here | differs | missing_there | unreadable | pending (no difference:
-- see verifications). columns: table.column of the object itself, table[id].column of what belongs
-- to it. details: [{column, ours, theirs}], shortened. Hashes: SHA-256 of everything compared.
CREATE TABLE commerce.verification_differences (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    job_id uuid NOT NULL,
    id bigint NOT NULL,
    what text NOT NULL CHECK (what IN (
        'missing_here', 'deleted_here', 'differs', 'missing_there', 'unreadable', 'pending'
    )),
    columns text[] NOT NULL,
    details jsonb NOT NULL,
    ours_hash text,
    theirs_hash text,
    found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    repaired_at timestamptz,
    PRIMARY KEY (tenant_id, shop_id, job_id, id),
    FOREIGN KEY (tenant_id, shop_id, job_id) REFERENCES commerce.verifications ON DELETE CASCADE
);

-- Which objects a running verification has met at Shopify: what it did not meet may be too much here.
-- absent: objects that Shopify did not have, or did not show, when they were read by id.
CREATE TABLE commerce.verification_seen (
    tenant_id uuid NOT NULL,
    shop_id bigint NOT NULL,
    job_id uuid NOT NULL,
    part_no bigint GENERATED ALWAYS AS IDENTITY,
    absent boolean NOT NULL,
    ids bigint[] NOT NULL,
    PRIMARY KEY (tenant_id, shop_id, job_id, part_no),
    FOREIGN KEY (tenant_id, shop_id, job_id) REFERENCES commerce.verifications ON DELETE CASCADE
);

CALL accounts.protect('commerce.verifications', 'tillstream_syncer');
CALL accounts.protect('commerce.verification_differences', 'tillstream_syncer');
CALL accounts.protect('commerce.verification_seen', 'tillstream_syncer');
GRANT SELECT ON commerce.verifications, commerce.verification_differences TO tillstream_gateway;
