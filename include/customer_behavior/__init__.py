"""The customer behaviour platform: what its DAGs do, without Airflow."""
