-- Whoever asked for a replay may end it.
GRANT UPDATE (status, error, finished_at, lease_id, lease_until) ON commerce.sync_jobs TO tillstream_gateway;
