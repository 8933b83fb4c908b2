#!/bin/sh
# Runs once, when the database is made: the role with which Grafana reads, and can do nothing else.
# In parentheses, because the image's entry point reads this file into its own shell.
(
    set -eu
    : "${GRAFANA_DB_PASSWORD:?is not set}"
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
\getenv password GRAFANA_DB_PASSWORD
CREATE ROLE grafana LOGIN PASSWORD :'password' CONNECTION LIMIT 20;
GRANT pg_read_all_data TO grafana;
ALTER ROLE grafana SET default_transaction_read_only = on;
ALTER ROLE grafana SET statement_timeout = '30s';
SQL
)
