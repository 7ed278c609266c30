-- The scheduler asks every two seconds which full syncs failed; finished polls are kept for a month.
CREATE INDEX sync_jobs_failed ON commerce.sync_jobs (tenant_id, shop_id, kind, finished_at)
    WHERE mode = 'full' AND status = 'failed';
