"""One training as a run and a version of the registered model."""

from __future__ import annotations

import logging
import math
from datetime import UTC, datetime
from datetime import time as clock
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from customer_behavior.tracking import server
from customer_behavior.tracking.record import Logged, TrackingError, TrainingRecord, registered_name

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

MODEL_ID = "model_id"
MODEL_FOLDER = "model"
REPORT = "report.html"
OURS = {"platform": "customer-behavior"}

logger = logging.getLogger(__name__)


def log_training(record: TrainingRecord) -> Logged | None:
    """Make, or complete, the run and the version of a trained model; None where no server is named.

    The run is found again by its tag ``model_id``, so a second call adds neither a run nor a version: it writes what is
    missing, and metrics, tags, files and the report as they are in ``record``. The version is registered last, when everything
    it stands for is there.

    Raises
    ------
    TrackingError
        The server does not answer, or refuses.
    """
    if server.address() is None:
        logger.info("%s is not set: model %s is not told to MLflow", server.ADDRESS, record.model_id)
        return None
    name = registered_name(record.target, record.horizon_days)
    with server.asking(f"Logging model {record.model_id} of {name}") as client:
        run = _run(client, _experiment(client, name), record)
        _describe(client, run, record)
        _upload(client, run, record)
        version = _version(client, name, run, record)
        client.set_terminated(run.info.run_id, "FINISHED")
    return Logged(run.info.run_id, version, server.page(f"experiments/{run.info.experiment_id}/runs/{run.info.run_id}"))


def _experiment(client: MlflowClient, name: str) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, tags=OURS))
        except MlflowException as error:  # another training made it meanwhile
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return _experiment(client, name)
    if found.lifecycle_stage != "active":
        raise TrackingError(
            f"MLflow's experiment {name} was deleted, and its name is still taken: restore it in MLflow, or remove it "
            f"for good with `mlflow gc --experiment-ids {found.experiment_id}`."
        )
    return str(found.experiment_id)


def _run(client: MlflowClient, experiment_id: str, record: TrainingRecord) -> Run:
    found = client.search_runs([experiment_id], f"tags.{MODEL_ID} = '{record.model_id}'", max_results=1)
    if found:
        return found[0]
    tags = OURS | {MODEL_ID: record.model_id}
    return client.create_run(experiment_id, tags=tags, run_name=f"{record.as_of} {record.kind}")


def _describe(client: MlflowClient, run: Run, record: TrainingRecord) -> None:
    """Parameters that are not there yet (MLflow lets none be changed), metrics, tags."""
    from mlflow.entities import Metric, Param, RunTag

    # The same stamp each time: MLflow then takes a metric told again for the one it has.
    stamp = int(datetime.combine(record.as_of, clock(), UTC).timestamp() * 1000)
    metrics = [Metric(key, float(value), stamp, 0) for key, value in record.metrics.items() if math.isfinite(value)]
    parameters = {key: str(value) for key, value in record.parameters.items() if key not in run.data.params}
    client.log_batch(
        run.info.run_id,
        metrics=metrics,
        params=[Param(key, value) for key, value in parameters.items()],
        tags=[RunTag(key, value) for key, value in _tags(record).items()],
        synchronous=True,
    )


def _tags(record: TrainingRecord) -> dict[str, str]:
    own = {
        MODEL_ID: record.model_id,
        "target": record.target,
        "horizon_days": str(record.horizon_days),
        "as_of": str(record.as_of),
        "kind": record.kind,
    }
    return {key: str(value) for key, value in record.tags.items()} | own | OURS


def _upload(client: MlflowClient, run: Run, record: TrainingRecord) -> None:
    with TemporaryDirectory(prefix="tracking-") as folder:
        for name, content in record.files.items():
            path = Path(folder, MODEL_FOLDER, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if record.report_html is not None:
            Path(folder, REPORT).write_text(record.report_html, encoding="utf-8")
        client.log_artifacts(run.info.run_id, folder)


def _version(client: MlflowClient, name: str, run: Run, record: TrainingRecord) -> str:
    """The number of the version, registered unless it is. Its source is the folder of files: no flavor, no pickle."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, tags=OURS)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    known = version_of(client, name, record.model_id)
    if known is not None:
        return known
    made = client.create_model_version(
        name,
        source=f"{run.info.artifact_uri}/{MODEL_FOLDER}",
        run_id=run.info.run_id,
        tags=_tags(record),
        description=f"{record.kind}, trained as of {record.as_of}",
        await_creation_for=0,
    )
    return str(made.version)


def version_of(client: MlflowClient, name: str, model_id: str) -> str | None:
    """The version of a registered model that carries this ``model_id``, or None."""
    found = client.search_model_versions(f"name = '{name}' and tags.{MODEL_ID} = '{model_id}'", max_results=1)
    return str(found[0].version) if found else None
