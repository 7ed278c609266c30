-- How far full syncs are. A window knows its bounds, so that it can be cut when Shopify fails on it;
-- roots_done counts the objects of its file, in the file's order, that are committed.
ALTER TABLE commerce.bulk_operations
    ADD COLUMN created_from timestamptz,
    ADD COLUMN created_until timestamptz,
    ADD COLUMN expected bigint,
    -- What the webhook bulk_operations/finish says of the operation.
    ADD COLUMN told_at timestamptz;
CREATE INDEX bulk_operations_gid ON commerce.bulk_operations (tenant_id, shop_id, gid)
    WHERE gid IS NOT NULL;

-- rows_written only grows, also when a window is read again. The rate is measured from the older of
-- two marks that follow each other by ten seconds; a claim sets both, so no pause is counted.
ALTER TABLE commerce.sync_jobs
    ADD COLUMN rows_written bigint NOT NULL DEFAULT 0,
    ADD COLUMN mark_at timestamptz,
    ADD COLUMN mark_rows bigint NOT NULL DEFAULT 0,
    ADD COLUMN next_mark_at timestamptz,
    ADD COLUMN next_mark_rows bigint NOT NULL DEFAULT 0,
    ADD COLUMN warning text;

-- One row per window of a full sync, newest first by created_until. stage: planned | starting |
-- created | running | canceling (at Shopify) | completed (ready to be read) | reading | done, or
-- how an operation ended that must run again. A window that was cut is not shown; its parts are.
CREATE VIEW commerce.job_windows WITH (security_invoker = true) AS
SELECT tenant_id, shop_id, job_id, window_no, created_from, created_until,
    CASE WHEN status = 'completed' AND roots_done > 0 THEN 'reading' ELSE status END AS stage,
    COALESCE(NULLIF(root_object_count, 0), expected) AS rows_total, roots_done AS rows_done,
    object_count, error, started_at, done_at
FROM commerce.bulk_operations
WHERE status <> 'split';

-- One row per job. rate: rows a second over the last 10 to 20 seconds, null while nobody works on it.
-- eta: seconds, null where unknown. stage: planning | exporting | reading | sweeping for a full sync
-- that runs, else the status.
CREATE VIEW commerce.job_progress WITH (security_invoker = true) AS
SELECT j.tenant_id, j.shop_id, j.job_id, j.kind, j.mode, j.status,
    CASE
        WHEN j.status <> 'running' OR j.mode <> 'full' OR j.kind = 'shop' THEN j.status
        WHEN w.windows = 0 THEN 'planning'
        WHEN w.done = w.windows THEN 'sweeping'
        WHEN w.ready > 0 THEN 'reading'
        ELSE 'exporting'
    END AS stage,
    t.rows_total, j.rows_done,
    CASE
        WHEN j.status = 'succeeded' THEN 100
        WHEN t.rows_total > 0 THEN LEAST(99, floor(100.0 * j.rows_done / t.rows_total))::integer
    END AS percent,
    r.rate,
    CASE WHEN r.rate > 0 AND t.rows_total >= j.rows_done
        THEN ceil((t.rows_total - j.rows_done) / r.rate)::bigint
    END AS eta,
    w.windows, w.done AS windows_done, w.at_shopify AS windows_at_shopify,
    j.error, j.warning, j.started_at, j.finished_at
FROM commerce.sync_jobs j
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS windows,
        (count(*) FILTER (WHERE b.done_at IS NOT NULL))::integer AS done,
        (count(*) FILTER (WHERE b.status = 'completed'))::integer AS ready,
        (count(*) FILTER (
            WHERE b.status IN ('starting', 'created', 'running', 'canceling')
        ))::integer AS at_shopify,
        count(*) FILTER (WHERE b.status NOT IN ('completed', 'done')) AS unknown,
        sum(b.root_object_count) AS roots
    FROM commerce.bulk_operations b
    WHERE b.tenant_id = j.tenant_id AND b.shop_id = j.shop_id AND b.job_id = j.job_id
        AND b.status <> 'split'
) AS w
CROSS JOIN LATERAL (
    -- Where no count tells it beforehand, the finished exports do.
    SELECT COALESCE(j.rows_total, CASE WHEN w.windows > 0 AND w.unknown = 0 THEN w.roots END)::bigint
        AS rows_total
) AS t
CROSS JOIN LATERAL (
    SELECT CASE WHEN j.status = 'running' AND j.lease_until > now() AND j.mark_at < now()
        THEN round((j.rows_written - j.mark_rows) / extract(epoch FROM now() - j.mark_at), 1)
    END AS rate
) AS r;
GRANT SELECT ON commerce.job_windows, commerce.job_progress TO tillstream_gateway, tillstream_syncer;
