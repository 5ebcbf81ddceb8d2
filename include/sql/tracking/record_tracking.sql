INSERT INTO models.tracking (model_id, mlflow_run_id, version, url) VALUES (:model_id, :run_id, :version, :url);
