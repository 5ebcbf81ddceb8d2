"""Models in the warehouse: what they were made of, their files, and their numbers."""

import hashlib
import json
from datetime import date
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.errors import CheckFailedError
from customer_behavior.settings import TargetKey
from customer_behavior.training.cutoffs import Cutoffs
from customer_behavior.training.model import Model, from_files, model_id
from customer_behavior.training.sampling import Stratum
from customer_behavior.warehouse import audit, copy_frame

VERSION = """
    INSERT INTO models.model_versions (
        model_id, target, horizon_days, trained_as_of, recipe, fit_dates, calibration_dates, report_dates, run_id
    ) VALUES (
        :model_id, :target, :horizon_days, :trained_as_of, cast(:recipe AS jsonb),
        cast(:fit AS date[]), cast(:calibration AS date[]), cast(:report AS date[]), :run_id
    )
"""
FILE = "INSERT INTO models.model_files (model_id, name, content, sha256) VALUES (:model_id, :name, :content, :sha256)"


def save(
    connection: Connection,
    model: Model,
    key: TargetKey,
    as_of: date,
    cutoffs: Cutoffs,
    evaluations: list[dict[str, Any]],
    gains: pd.DataFrame,
    run_id: str | None,
    strata: dict[str, list[Stratum]] | None = None,
) -> str:
    """Register a model with its files and numbers, in place of the rows its id already has; return its id.

    `strata` goes on record as the recipe's, in the table alone: what was read of each as-of date and label, by part.
    """
    files = model.files()
    name = model_id(files)
    recipe = {"kind": model.kind, "features": list(model.features), **model.recipe}
    recipe["strata"] = {part: [one.described() for one in read] for part, read in (strata or {}).items()}
    version = {
        "model_id": name,
        "target": key.target,
        "horizon_days": key.horizon_days,
        "trained_as_of": as_of,
        "recipe": json.dumps(recipe),
        "fit": list(cutoffs.fit),
        "calibration": list(cutoffs.calibration),
        "report": list(cutoffs.report),
        "run_id": run_id,
    }
    contents = [
        {"model_id": name, "name": file, "content": content, "sha256": hashlib.sha256(content).hexdigest()}
        for file, content in files.items()
    ]
    judged = pd.DataFrame(evaluations).assign(
        model_id=name, target=key.target, horizon_days=key.horizon_days, trained_as_of=as_of
    )
    deleted = {
        table: _delete(connection, table, name)
        for table in ("model_versions", "model_files", "evaluations", "gain_table")
    }
    connection.execute(sa.text(VERSION), version)
    connection.execute(sa.text(FILE), contents)
    written = {
        "model_versions": 1,
        "model_files": len(contents),
        "evaluations": copy_frame(connection, "models.evaluations", judged) if evaluations else 0,
        "gain_table": copy_frame(connection, "models.gain_table", gains.assign(model_id=name)) if len(gains) else 0,
    }
    for table, count in written.items():
        audit(
            connection,
            f"models.{table}",
            f"{as_of} {key.target}/{key.horizon_days} {name}",
            deleted[table],
            count,
            run_id,
        )
    return name


def load(connection: Connection, name: str) -> Model:
    """Return a registered model.

    Raises
    ------
    CheckFailedError
        When a file is missing, or is not what was registered; the message names model and file.
    """
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
    try:
        return from_files(files)
    except CheckFailedError as error:
        raise CheckFailedError(f"model {name}: {error}; {_REMEDY}") from error


_REMEDY = "roll back to another model, or train again"


def _delete(connection: Connection, table: str, name: str) -> int:
    return connection.execute(sa.text(f"DELETE FROM models.{table} WHERE model_id = :name"), {"name": name}).rowcount
