"""Models in the warehouse: what they were made of, their files, and their numbers."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.errors import CheckFailedError
from customer_behavior.models import Model, from_files, model_id
from customer_behavior.settings import TargetKey
from customer_behavior.targets.cutoffs import Cutoffs
from customer_behavior.targets.sampling import Stratum
from customer_behavior.warehouse import audit, copy_frame, run_sql

VERSION = """
    INSERT INTO models.model_versions (
        model_id, target, horizon_days, trained_as_of, card, fit_dates, tune_dates, calibration_dates, test_dates, run_id
    ) VALUES (
        :model_id, :target, :horizon_days, :trained_as_of, cast(:card AS jsonb),
        cast(:fit AS date[]), cast(:tune AS date[]), cast(:calibration AS date[]), cast(:test AS date[]), :run_id
    )
"""
FILE = "INSERT INTO models.model_files (model_id, name, content, sha256) VALUES (:model_id, :name, :content, :sha256)"
TRIAL = """
    INSERT INTO models.tuning_trials (model_id, trial, state, loss, trees, chosen, parameters)
    VALUES (:model_id, :trial, :state, :loss, :trees, :chosen, cast(:parameters AS jsonb))
"""
FINDING = """
    INSERT INTO models.training_findings (model_id, position, severity, finding, statement, fix, details)
    VALUES (:model_id, :position, :severity, :finding, :statement, :fix, cast(:details AS jsonb))
"""
JUDGED = "judged/"
"""Folder of the files of the fit that a model was judged by."""


@dataclass(frozen=True)
class Registration:
    """A model and all that is kept with it.

    Attributes
    ----------
    judged : the fit that the numbers are of; kept beside the one that serves, for the next challenger to be compared with.
    strata : what was read of each as-of date and outcome, by part of the time split.
    evaluations, gains, thresholds : numbers on the test rows, as models.evaluations, gain_table and thresholds have them.
    findings, trials : rows of models.training_findings and models.tuning_trials, without the model's id.
    """

    key: TargetKey
    model: Model
    judged: Model | None
    cutoffs: Cutoffs
    strata: Mapping[str, Sequence[Stratum]]
    evaluations: Sequence[Mapping[str, Any]]
    gains: pd.DataFrame
    thresholds: Sequence[Mapping[str, Any]]
    findings: Sequence[Mapping[str, Any]]
    trials: Sequence[Mapping[str, Any]]

    def files(self) -> dict[str, bytes]:
        """Return the files of the model that serves, and in a folder of its own those of the judged fit."""
        judged = self.judged.files() if self.judged else {}
        return {**self.model.files(), **{JUDGED + name: content for name, content in judged.items()}}


def save(connection: Connection, trained: Registration, as_of: date, run_id: str | None) -> str:
    """Register a model with its files, numbers and findings, in place of the rows its id already has; return its id.

    What was read of each as-of date and outcome goes on record as the card's strata, in the table alone.
    """
    files = trained.files()
    name = model_id(files)
    whole = f"{as_of} {trained.key.target}/{trained.key.horizon_days} {name}"
    made_way = connection.execute(sa.text("SELECT table_name, rows FROM models.make_way(:name)"), {"name": name})
    deleted: dict[str, int] = {row.table_name: row.rows for row in made_way}
    connection.execute(sa.text(VERSION), _version(trained, name, as_of, run_id))
    contents = [
        {"model_id": name, "name": file, "content": content, "sha256": hashlib.sha256(content).hexdigest()}
        for file, content in files.items()
    ]
    judged = pd.DataFrame(trained.evaluations).assign(
        model_id=name, target=trained.key.target, horizon_days=trained.key.horizon_days, trained_as_of=as_of
    )
    written = {
        "model_versions": 1,
        "model_files": _insert(connection, FILE, contents),
        "tuning_trials": _insert(connection, TRIAL, _trials(trained, name)),
        "training_findings": _insert(connection, FINDING, _findings(trained, name)),
    }
    for table, frame in (
        ("evaluations", judged if trained.evaluations else pd.DataFrame()),
        ("gain_table", trained.gains.assign(model_id=name) if len(trained.gains) else pd.DataFrame()),
        ("thresholds", pd.DataFrame(trained.thresholds).assign(model_id=name)),
    ):
        written[table] = copy_frame(connection, f"models.{table}", frame) if len(frame) else 0
    for table, count in written.items():
        audit(connection, f"models.{table}", whole, deleted[table], count, run_id)
    return name


def _version(trained: Registration, name: str, as_of: date, run_id: str | None) -> dict[str, Any]:
    model, cutoffs = trained.model, trained.cutoffs
    card = {"kind": model.kind, "features": list(model.features), **model.card}
    card["strata"] = {part: [one.described() for one in read] for part, read in trained.strata.items()}
    return {
        "model_id": name,
        "target": trained.key.target,
        "horizon_days": trained.key.horizon_days,
        "trained_as_of": as_of,
        "card": json.dumps(card),
        "fit": sorted([*cutoffs.fit, *cutoffs.gaps]),
        "tune": list(cutoffs.tune),
        "calibration": list(cutoffs.calibration),
        "test": list(cutoffs.test),
        "run_id": run_id,
    }


def _trials(trained: Registration, name: str) -> list[dict[str, Any]]:
    return [
        {**trial, "model_id": name, "parameters": json.dumps(trial["parameters"], sort_keys=True)}
        for trial in trained.trials
    ]


def _findings(trained: Registration, name: str) -> list[dict[str, Any]]:
    return [
        {
            **finding,
            "model_id": name,
            "position": position,
            "details": json.dumps(finding["details"], sort_keys=True, default=str),
        }
        for position, finding in enumerate(trained.findings, start=1)
    ]


def _insert(connection: Connection, statement: str, rows: list[dict[str, Any]]) -> int:
    if rows:
        connection.execute(sa.text(statement), rows)
    return len(rows)


def load(connection: Connection, name: str) -> Model:
    """Return a registered model.

    Raises
    ------
    CheckFailedError
        When a file is missing, or is not what was registered; the message names model and file.
    """
    return _read(name, _files(connection, name))


def load_judged(connection: Connection, name: str) -> Model | None:
    """Return the fit that a registered model was judged by; None where there is none beside the model itself. Raises as `load`."""
    files = {
        file.removeprefix(JUDGED): content
        for file, content in _files(connection, name).items()
        if file.startswith(JUDGED)
    }
    return _read(name, files) if files else None


def _files(connection: Connection, name: str) -> dict[str, bytes]:
    rows = connection.execute(
        sa.text("SELECT name, content, sha256 FROM models.model_files WHERE model_id = :model_id ORDER BY name"),
        {"model_id": name},
    ).all()
    if not rows:
        raise CheckFailedError(f"model {name} has no files in models.model_files: {_REMEDY}")
    files = {row.name: bytes(row.content) for row in rows}
    for row in rows:
        if hashlib.sha256(files[row.name]).hexdigest() != row.sha256:
            raise CheckFailedError(
                f"file {row.name} of model {name} is damaged: its hash is not the registered one; {_REMEDY}"
            )
    if model_id(files) != name:
        raise CheckFailedError(
            f"the files {', '.join(files)} of model {name} are not the ones it was named after; {_REMEDY}"
        )
    return files


def _read(name: str, files: Mapping[str, bytes]) -> Model:
    try:
        return from_files(files)
    except CheckFailedError as error:
        raise CheckFailedError(f"model {name}: {error}; {_REMEDY}") from error


def report_page(connection: Connection, name: str) -> str | None:
    """Return the page of a model's training as HTML; None when it has none."""
    page: str | None = run_sql(connection, "models/report", model_id=name).scalar()
    return page


_REMEDY = "roll back to another model, or train again"
