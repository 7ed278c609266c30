#!/bin/bash
# Runs once, when the data directory is made. Each service logs in as a user of its own that owns
# nothing and may only become its service's role; the owner's password is known to `migrate` alone.
set -euo pipefail

for service in gateway webhooks syncer analytics; do
  password="${service^^}_DB_PASSWORD"
  # By the environment: every user of the machine can read a command line.
  PASSWORD="${!password}" psql -v ON_ERROR_STOP=1 -v service="$service" \
    -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
\getenv password PASSWORD
CREATE ROLE :"service" LOGIN NOINHERIT PASSWORD :'password';
CREATE ROLE tillstream_:service NOINHERIT;
GRANT tillstream_:service TO :"service";
SQL
done
psql -v ON_ERROR_STOP=1 -v database="$POSTGRES_DB" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO gateway, webhooks, syncer, analytics;
-- These two write through temporary tables, in the role that they take on.
GRANT TEMPORARY ON DATABASE :"database" TO tillstream_syncer, tillstream_analytics;
SQL
