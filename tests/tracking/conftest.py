"""A real MLflow server on the tests' PostgreSQL, started as the local stack starts it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from customer_behavior.local import mlflow_server, processes
from customer_behavior.local.components import Component, tail
from customer_behavior.local.ports import free_port
from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.tracking import TrainingRecord

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # before anything here imports mlflow, which decides then
TOKEN = "tests-of-tracking"


@dataclass(frozen=True)
class Server:
    address: str
    artifacts: Path
    session: int


@pytest.fixture(scope="session")
def server(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("ml flow")
    port = free_port()
    artifacts = folder / "artifacts"
    component = Component(
        "mlflow",
        mlflow_server.command(port, artifacts),
        mlflow_server.environment(postgres.create_owned_database("mlflow"), TOKEN),
        folder / "mlflow.log",
    )
    session = component.start()
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 180
        while not mlflow_server.answers(address):
            assert component.pid and time.monotonic() < deadline, tail(component.log)
            time.sleep(0.2)
        yield Server(address, artifacts, session)
    finally:
        processes.end_all(lambda: processes.of_stack(TOKEN, {session}), 5.0)
        component.kill()


@pytest.fixture
def mlflow_at(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, named by the environment."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    monkeypatch.delenv("MLFLOW_BASE_URL", raising=False)
    return server


_numbers = count(1)


@pytest.fixture
def record() -> Callable[..., TrainingRecord]:
    """Makes records of a target that no other test has."""
    target = f"target{next(_numbers)}"
    first = TrainingRecord(
        target=target,
        horizon_days=7,
        as_of=date(2026, 3, 1),
        model_id="0a1b2c3d4e5f",
        kind="xgboost",
        parameters={"max_depth": 4, "cutoffs": ["2026-01-01", "2026-01-08"], "early_stopping": None},
        metrics={"auc": 0.8125, "brier": 0.0625, "ece": float("nan")},
        tags={"promoted": "True"},
        files={"model.json": b'{"kind": "xgboost"}', "trees/booster.ubj": bytes(range(256))},
        report_html="<html><p>Käufe: 12 €</p></html>",
    )

    def make(**changes: Any) -> TrainingRecord:
        return replace(first, **changes)

    return make
