-- Run once, by the first start on an empty volume: two databases with an owner each. Neither owner is a superuser;
-- the warehouse's may make roles, since its first migration makes ingest, train, score, api and marketing_reader.
-- Text sorts by code point, in PostgreSQL's own locale: the same order everywhere, and no index to rebuild when the
-- operating system's locales change.
\getenv airflow_password AIRFLOW_DB_PASSWORD
\getenv warehouse_password WAREHOUSE_DB_PASSWORD

CREATE ROLE airflow LOGIN PASSWORD :'airflow_password';
CREATE DATABASE airflow OWNER airflow TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8';
-- People get logins for the warehouse on this server; Airflow's metadata is not theirs to open.
REVOKE CONNECT, TEMPORARY ON DATABASE airflow FROM PUBLIC;

CREATE ROLE warehouse LOGIN CREATEROLE PASSWORD :'warehouse_password';
CREATE DATABASE warehouse OWNER warehouse TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8';

-- Large objects are nobody's: any login could fill the disk with them, and no grant would show it.
\connect warehouse
SELECT format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', oid::regprocedure)
FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^(lo_|loread$|lowrite$)'
\gexec
