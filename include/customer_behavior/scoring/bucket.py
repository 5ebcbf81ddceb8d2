"""Score one bucket of customers into the staging table."""

import logging
from collections.abc import Mapping
from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa
from sqlalchemy.engine import Connection

from customer_behavior.errors import CheckFailedError
from customer_behavior.models import Model, registry
from customer_behavior.models.promotions import Serving, serving_models
from customer_behavior.scoring.reading import read_bucket
from customer_behavior.scoring.reasons import reasons_json
from customer_behavior.settings import Feature, Settings
from customer_behavior.warehouse import BATCH_ROWS, copy_arrow, replace_slice

log = logging.getLogger(__name__)


def stage_bucket(
    connection: Connection,
    settings: Settings,
    as_of: date,
    *,
    bucket: int,
    buckets: int,
    run_token: str,
    run_id: str | None,
) -> dict[str, int]:
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
    serving = serving_models(connection, settings, as_of)
    models = [registry.load(connection, by.model_id) for by in serving]
    populations = [by.population for by in serving]
    features = [name for model in models for name in model.features]
    customers = read_bucket(connection, as_of, bucket, buckets, populations, features)
    written: dict[str, int] = {}

    def write() -> int:
        for by, model in zip(serving, models, strict=True):
            rows = customers.of(by.population, model.features)
            try:
                scores = score(rows, model, by.target.kind, settings.catalogue.columns)
            except CheckFailedError as error:
                raise CheckFailedError(f"{by.key} as of {as_of}, model {by.model_id}: {error}") from error
            written[str(by.key)] = stage(connection, scores, by, as_of, bucket, run_token)
        return sum(written.values())

    replace_slice(
        connection,
        "models.score_staging",
        {"run_token": run_token, "bucket": bucket},
        write,
        piece=f"{as_of} bucket {bucket + 1} of {buckets}",
        run_id=run_id,
    )
    log.info("bucket %s of %s as of %s: %s", bucket + 1, buckets, as_of, written)
    return written


def score(
    customers: pa.Table, model: Model, kind: Literal["probability", "amount"], catalogue: Mapping[str, Feature]
) -> pa.Table:
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
    reasons = reasons_json(rows, contributions, model.features, catalogue)
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
