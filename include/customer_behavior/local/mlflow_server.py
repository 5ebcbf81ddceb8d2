"""The local MLflow: how it is started, and whether it answers. It has no login, so it listens on 127.0.0.1 alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
from sqlalchemy.engine import make_url

from customer_behavior.local.processes import STACK_TOKEN

MLFLOW = "mlflow"
_TOLD = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", "VIRTUAL_ENV")


def command(port: int, artifacts: Path) -> list[str]:
    """The server's command line; the database's address, which holds a password, goes by the environment."""
    own = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--artifacts-destination", str(artifacts)]
    return [sys.executable, "-m", "mlflow", "server", *own]


def environment(database_url: str, stack_token: str) -> dict[str, str]:
    """What the server is told: nothing of Airflow's secrets, and no settings of another MLflow on the machine."""
    inherited = {name: value for name, value in os.environ.items() if name in _TOLD}
    url = make_url(database_url).set(drivername="postgresql+psycopg2")
    return inherited | {
        "MLFLOW_BACKEND_STORE_URI": url.render_as_string(hide_password=False),
        # Its job runner is eight processes and 0.5 GB for functions that are not used here.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MALLOC_ARENA_MAX": "2",
        "PYTHONUNBUFFERED": "1",
        STACK_TOKEN: stack_token,
        **QUIET,
    }


# Nobody is told that we run. MLflow takes DO_NOT_TRACK only as the word "true", so its own switch is set too.
QUIET: Mapping[str, str] = {"DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}


def answers(address: str) -> bool:
    """Whether the server is up; asked once, for two seconds at most."""
    try:
        return httpx.get(f"{address}/health", timeout=2.0, trust_env=False).is_success
    except httpx.HTTPError:
        return False
