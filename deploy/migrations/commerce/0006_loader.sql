-- Postgres refuses COPY into tables with row level security, whatever their policies say. The syncer
-- may write every tenant's rows anyway; as this role it may add new ones by COPY, and nothing else.
-- Where the server lets nobody make such a role, the syncer stages its rows and needs it not.
DO $$
BEGIN
    CREATE ROLE tillstream_loader NOINHERIT NOLOGIN BYPASSRLS;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN RAISE NOTICE 'no role tillstream_loader: %', SQLERRM;
END
$$;

DO $$
BEGIN
    GRANT USAGE ON SCHEMA commerce TO tillstream_loader;
    GRANT INSERT ON ALL TABLES IN SCHEMA commerce TO tillstream_loader;
    ALTER DEFAULT PRIVILEGES IN SCHEMA commerce GRANT INSERT ON TABLES TO tillstream_loader;
    GRANT tillstream_loader TO tillstream_syncer;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'tillstream_loader is left as it is: %', SQLERRM;
END
$$;
