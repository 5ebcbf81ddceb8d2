"""Score one bucket of customers into the staging table."""

import logging
from datetime import date
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.scoring.reasons import reasons_json
from customer_behavior.settings import Target, TargetKey, load_features, load_shop, load_targets
from customer_behavior.training import registry
from customer_behavior.training.model import Model
from customer_behavior.training.promotions import champions
from customer_behavior.training.statements import population_clause, with_clauses
from customer_behavior.warehouse import Warehouse, audit, copy_frame, lock

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
        When a model's files are damaged or the snapshot lacks a column it reads.
    """
    settings = load_targets()
    written: dict[str, int] = {}
    with warehouse.begin("score") as connection:
        lock(connection, f"score {run_token} {bucket}")
        deleted = connection.execute(
            sa.text("DELETE FROM models.score_staging WHERE run_token = :run_token AND bucket = :bucket"),
            {"run_token": run_token, "bucket": bucket},
        ).rowcount
        for key, name in champions(connection, settings, load_shop().primary_target, as_of).items():
            model = registry.load(connection, name)
            rows = _read_bucket(connection, settings.targets[key.target], as_of, bucket, buckets)
            scores = score(rows, model, key, name, as_of).assign(run_token=run_token, bucket=bucket)
            written[str(key)] = copy_frame(connection, "models.score_staging", scores)
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


def score(rows: pd.DataFrame, model: Model, key: TargetKey, name: str, as_of: date) -> pd.DataFrame:
    """Return the rows' probabilities and reasons, columns as in models.score_staging."""
    probability, contributions = model.explain(rows)
    return pd.DataFrame(
        {
            "as_of_date": as_of,
            "target": key.target,
            "horizon_days": key.horizon_days,
            "customer_id": rows["customer_id"],
            "probability": probability,
            "reasons": reasons_json(rows, contributions, model.features, load_features()),
            "model_id": name,
        }
    )


def _read_bucket(connection: Connection, target: Target, as_of: date, bucket: int, buckets: int) -> pd.DataFrame:
    return pd.read_sql_query(
        with_clauses([population_clause(target)], "scoring/bucket_rows"),
        connection,
        params={"as_of": as_of, "days": target.population.days, "bucket": bucket, "buckets": buckets},
    )
