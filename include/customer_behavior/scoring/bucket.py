"""Score one bucket of customers into the staging table."""

import logging
from datetime import date
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.errors import CheckFailedError
from customer_behavior.models import Model, registry
from customer_behavior.scoring.reading import read_bucket
from customer_behavior.scoring.reasons import reasons_json
from customer_behavior.scoring.serving import Serving, serving_models
from customer_behavior.settings import load_catalogue
from customer_behavior.warehouse import BATCH_ROWS, Warehouse, audit, copy_arrow, lock

log = logging.getLogger(__name__)


def stage_bucket(
    warehouse: Warehouse, as_of: date, *, bucket: int, buckets: int, run_token: str, run_id: str | None
) -> dict[str, Any]:
    """Write the scores of one bucket to models.score_staging, in place of what the run has there; return the rows by target.

    Parameters
    ----------
    bucket, buckets : int
        Which bucket of how many; a customer's is a hash of the id.
    run_token : str
        The run, the same for its buckets and its publication.

    Raises
    ------
    NotReadyError
        When the primary target has no model that was promoted before `as_of`.
    CheckFailedError
        When a model's files are damaged, the snapshot lacks a column it reads, or its predictions are not numbers.
    """
    written: dict[str, int] = {}
    with warehouse.begin("score") as connection:
        lock(connection, f"score {run_token} {bucket}")
        deleted = connection.execute(
            sa.text("DELETE FROM models.score_staging WHERE run_token = :run_token AND bucket = :bucket"),
            {"run_token": run_token, "bucket": bucket},
        ).rowcount
        serving = serving_models(connection, as_of)
        models = [registry.load(connection, one.model_id) for one in serving]
        populations = [one.population for one in serving]
        features = [name for model in models for name in model.features]
        customers = read_bucket(connection, as_of, bucket, buckets, populations, features)
        for one, model in zip(serving, models, strict=True):
            rows = customers.of(one.population, model.features)
            try:
                scores = score(rows, model, one.target.kind)
            except CheckFailedError as error:
                raise CheckFailedError(f"{one.key} as of {as_of}, model {one.model_id}: {error}") from error
            written[str(one.key)] = stage(connection, scores, one, as_of, bucket, run_token)
        audit(
            connection,
            "models.score_staging",
            f"{as_of} bucket {bucket + 1} of {buckets}",
            deleted,
            sum(written.values()),
            run_id,
        )
    log.info("bucket %s of %s as of %s: %s", bucket + 1, buckets, as_of, written)
    return {"bucket": bucket, "rows": written}


def score(customers: pa.Table, model: Model, kind: Literal["probability", "amount"]) -> pa.Table:
    """Return the customers' probabilities or amounts, and reasons: customer_id, probability, amount, reasons.

    Raises
    ------
    CheckFailedError
        When a column that the model reads is gone, or a prediction is not a finite number.
    """
    rows = customers.to_pandas()
    predicted, contributions = model.explain(rows)
    wrong = int((~np.isfinite(predicted)).sum())
    if wrong:
        raise CheckFailedError(f"{wrong} of {len(rows)} predictions are not numbers: roll back to another model")
    values = {"probability": pa.nulls(len(rows), pa.float64()), "amount": pa.nulls(len(rows), pa.float64())}
    values[kind] = pa.array(predicted, pa.float64())
    reasons = reasons_json(rows, contributions, model.features, load_catalogue().columns)
    return pa.table({"customer_id": customers["customer_id"], **values, "reasons": reasons})


def stage(connection: Connection, scores: pa.Table, by: Serving, as_of: date, bucket: int, run_token: str) -> int:
    """Append a model's scores of a bucket, columns as `score` returns them, to models.score_staging; return the rows."""
    same = {
        "run_token": run_token,
        "bucket": bucket,
        "as_of_date": as_of,
        "target": by.key.target,
        "horizon_days": by.key.horizon_days,
        "model_id": by.model_id,
    }
    for name, value in same.items():
        scores = scores.append_column(name, pa.repeat(value, len(scores)))
    return copy_arrow(connection, "models.score_staging", scores.column_names, scores.to_reader(BATCH_ROWS))
