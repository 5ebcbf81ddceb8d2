"""What a local stack may be told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from customer_behavior.warehouse import Warehouse

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class StackOptions:
    """One local stack.

    Attributes
    ----------
    state_dir : everything the stack writes, except the database of a root user, is below it.
    dags_folder, plugins_folder : what Airflow loads.
    warehouse_url : a warehouse of the user's own; None for the embedded one.
    extra_env : environment of every Airflow process, over all that is set here.
    follow_schedules : let the scheduler create runs by the clock. ``make run`` and tests say no: only runs they
        ask for exist, so a result never depends on the hour of the day.
    paused_at_creation : new DAGs wait for their user's consent. Runs of a paused DAG never start, so whoever
        asks for runs must unpause it, or create it unpaused.
    tracking_uri : an MLflow of the user's own, "" for no MLflow at all; None for one beside Airflow.
    api_port, mlflow_port : the ports wanted; a free one is taken when one is busy, and when it is None.
    parallelism : tasks at a time.
    preload : whether the workers have the libraries of the platform's own tasks in memory, for some hundred MB.
    postgres_settings : settings of the embedded server on top of the defaults.
    """

    state_dir: Path
    dags_folder: Path = REPOSITORY / "dags"
    plugins_folder: Path = REPOSITORY / "plugins"
    warehouse_url: str | None = None
    extra_env: Mapping[str, str] = field(default_factory=dict)
    follow_schedules: bool = True
    paused_at_creation: bool = True
    tracking_uri: str | None = None
    api_port: int | None = None
    mlflow_port: int | None = None
    parallelism: int = field(default_factory=lambda: max(2, cores()))
    preload: bool = True
    postgres_settings: Mapping[str, str] = field(default_factory=dict)


def cores() -> int:
    """The processors this process may use (a container's share, where the platform tells)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def plain_url(url: str) -> str:
    """``url`` without an SQLAlchemy driver, as libpq wants it."""
    return Warehouse(url).url.set(drivername="postgresql").render_as_string(hide_password=False)
