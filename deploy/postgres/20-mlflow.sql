-- MLflow's database and its owner. Run by the first start on an empty volume; on one that is there already, by hand
-- (docs/deploy.md, "MLflow").
\getenv mlflow_password MLFLOW_DB_PASSWORD

CREATE ROLE mlflow LOGIN PASSWORD :'mlflow_password';
CREATE DATABASE mlflow OWNER mlflow TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8';
REVOKE CONNECT, TEMPORARY ON DATABASE mlflow FROM PUBLIC;
