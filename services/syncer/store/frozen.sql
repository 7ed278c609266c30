-- name: as_who_logged_in
-- Whoever logged in may end its own connections; the role that we take on may not.
SET LOCAL ROLE NONE

-- name: end
-- A COPY that waits for its rows is active to PostgreSQL, and heeds neither a cancellation nor the time
-- limit of its statement before the last row has come.
SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = current_setting('application_name')
    AND datname = current_database() AND usename = session_user
    AND state = 'active' AND wait_event = 'ClientRead'
    AND query_start < now() - $1 * interval '1 second'
