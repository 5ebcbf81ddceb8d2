"""The environment of the local Airflow's processes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from sqlalchemy.engine import make_url

from customer_behavior.local.keys import Keys
from customer_behavior.local.mlflow_server import QUIET
from customer_behavior.local.options import REPOSITORY, StackOptions, cores, plain_url
from customer_behavior.local.processes import STACK_TOKEN

PRELOADING = "customer_behavior_airflow.preloading.PreloadingLocalExecutor"


def airflow_environment(
    options: StackOptions,
    keys: Keys,
    *,
    metadata_url: str,
    warehouse_url: str,
    api_port: int,
    smtp_port: int,
    tracking_uri: str = "",
) -> dict[str, str]:
    """Everything an Airflow process needs; settings of another Airflow on the machine are left out.

    An empty ``tracking_uri`` says that there is no MLflow.
    """
    home = options.state_dir / "airflow"
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AIRFLOW__") and name not in ("AIRFLOW_HOME", "AIRFLOW_CONFIG", "PYTHONPATH")
    }
    own = {
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "include"), str(REPOSITORY / "plugins")]),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
        STACK_TOKEN: keys.stack_token,
        "WAREHOUSE_URL": plain_url(warehouse_url),
        "AIRFLOW_CONN_WAREHOUSE": connection(warehouse_url),
        "MLFLOW_TRACKING_URI": tracking_uri,
        "LANDING_DIR": str(options.state_dir / "landing"),
        # A proxy must not see what these processes tell each other.
        "NO_PROXY": _no_proxy(),
        "no_proxy": _no_proxy(),
        # Nobody is told that we run.
        **QUIET,
        "SCARF_ANALYTICS": "false",
        "SCARF_NO_ANALYTICS": "true",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    environment = inherited | own | _core(options, keys, home, metadata_url, api_port) | _tuning(options)
    if "AIRFLOW_CONN_SMTP_DEFAULT" not in os.environ:
        environment["AIRFLOW_CONN_SMTP_DEFAULT"] = json.dumps(
            {
                "conn_type": "smtp",
                "host": "127.0.0.1",
                "port": smtp_port,
                "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "platform@localhost"},
            }
        )
    return environment | dict(options.extra_env)


def connection(url: str) -> str:
    """An Airflow connection in its JSON form, which needs no escaping."""
    parts = make_url(url)
    content = {
        "conn_type": "postgres",
        "host": parts.host,
        "port": parts.port,
        "login": parts.username,
        "password": parts.password,
        "schema": parts.database,
        "extra": dict(parts.query),
    }
    return json.dumps({name: value for name, value in content.items() if value})


def _core(options: StackOptions, keys: Keys, home: Path, metadata_url: str, api_port: int) -> dict[str, str]:
    """Where things are, who may enter, what is kept off."""
    address = f"http://127.0.0.1:{api_port}"
    return {
        "AIRFLOW__CORE__DAGS_FOLDER": str(options.dags_folder),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(options.plugins_folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": PRELOADING if options.preload else "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(options.parallelism),
        "AIRFLOW__CORE__FERNET_KEY": keys.fernet_key,
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": str(options.paused_at_creation),
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # the default asks the network for a full name
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": make_url(metadata_url)
        .set(drivername="postgresql+psycopg2")
        .render_as_string(hide_password=False),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(api_port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__SECRET_KEY": keys.api_secret_key,
        "AIRFLOW__API__EXPOSE_CONFIG": "False",
        "AIRFLOW__API_AUTH__JWT_SECRET": keys.jwt_secret,
        "AIRFLOW__API_AUTH__JWT_ISSUER": "customer-behavior-local",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "task_logs"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AIRFLOW__SCHEDULER__CATCHUP_BY_DEFAULT": "False",
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": str(options.follow_schedules),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home / "bundles"),
    }


def _tuning(options: StackOptions) -> dict[str, str]:
    """Fitted to two cores, which a chain of short tasks shares with the API they report to (docs/decisions/0001)."""
    return {
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30" if options.follow_schedules else "3600",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30" if options.follow_schedules else "3600",
        "AIRFLOW__DAG_PROCESSOR__PRINT_STATS_INTERVAL": "0",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.25",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "5",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        # A scheduler counts as dead 30 s after its last sign. A new one looks for its tasks when it starts, often before that, and
        # then at this interval, in seconds.
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "15",
        # A supervisor that reads the end of a task's output before its process has gone looks again after this many seconds;
        # it was 5 in every third task.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__TRIGGERER__CAPACITY": "100",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "5",
        "OMP_NUM_THREADS": str(cores()),
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while waiting would starve the other task
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }


def _no_proxy() -> str:
    already = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    return ",".join(dict.fromkeys([*filter(None, already.split(",")), "127.0.0.1", "localhost"]))
