-- A shop has sixty thousand jobs a month: the newest ones are listed, and the last sample of each
-- resource is looked for every minute, without reading the others.
CREATE INDEX sync_jobs_newest
    ON commerce.sync_jobs (tenant_id, shop_id, created_at DESC, job_id DESC);
CREATE INDEX sync_jobs_samples ON commerce.sync_jobs (tenant_id, shop_id, kind, created_at)
    WHERE mode = 'sample';
