# The one image of the platform: every Airflow component runs it. Build it with `docker compose build`.
#
# The slim image brings Python, Airflow and the entrypoint, and no provider that the lock would have to agree with;
# requirements/prod.txt is the whole closure with hashes, so that the image scores with the versions the tests ran.
ARG AIRFLOW_IMAGE=apache/airflow:slim-3.3.2-python3.12
FROM ${AIRFLOW_IMAGE}

COPY requirements/prod.txt /opt/airflow/requirements.txt
RUN pip install --no-cache-dir --no-deps --require-hashes -r /opt/airflow/requirements.txt

# OMP_WAIT_POLICY: the tasks of a worker share its processors, and threads that spin while waiting would starve them.
ENV PYTHONPATH=/opt/airflow/include:/opt/airflow/plugins \
    PYTHONUNBUFFERED=1 \
    OMP_WAIT_POLICY=PASSIVE \
    LANDING_DIR=/opt/airflow/landing

# The volume of MLflow's files takes its owner from here.
RUN mkdir -p /opt/airflow/mlflow

COPY include /opt/airflow/include
COPY plugins /opt/airflow/plugins
COPY dags /opt/airflow/dags

# An image whose parts do not fit together is not built.
RUN python -c "import duckdb, evidently, mlflow, pandas, psycopg2, shap, sklearn, sqlalchemy, xgboost; \
import s3fs, airflow.providers.amazon.aws.fs.s3; \
import airflow.providers.celery.executors.celery_executor, airflow.providers.fab.auth_manager.fab_auth_manager; \
import customer_behavior.settings"
