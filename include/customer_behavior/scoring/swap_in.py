"""Swap in a date's staged scores: checked against the population, ranked over all, swapped in at once."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.errors import CheckFailedError
from customer_behavior.models.promotions import Serving, serving_models
from customer_behavior.names import Role
from customer_behavior.settings import Settings, TargetKey
from customer_behavior.targets.statements import population_clause, with_clauses
from customer_behavior.warehouse import Warehouse, audit, lock, run_sql, sql_text

log = logging.getLogger(__name__)

RANKED = (
    "as_of_date",
    "target",
    "horizon_days",
    "customer_id",
    "probability",
    "amount",
    "percentile",
    "decile",
    "reasons",
    "model_id",
)
"""The columns of scoring/ranked.sql, in its order."""


def swap_in(
    warehouse: Warehouse, settings: Settings, as_of: date, *, run_token: str, buckets: int, run_id: str | None
) -> dict[str, Any]:
    """Replace models.scores of `as_of` by what the run staged, in one transaction; return the rows and model by target.

    The rows are written into a table of their own, which has no key while it fills and is then attached; those of a date that was
    there are replaced. They are checked meanwhile, on another connection: the server's other cores have nothing to do.

    Raises
    ------
    CheckFailedError
        When a bucket is missing or does not hold its customers, or another model than the champion scored; nothing is
        published, and the scores that were there stay.
    """
    result: dict[str, Any] = {"as_of": str(as_of), "rows": {}, "models": {}}
    with warehouse.begin(Role.SCORE) as connection, ThreadPoolExecutor(1) as beside:
        lock(connection, f"publish scores {as_of}")
        serving = serving_models(connection, settings, as_of)
        checking = beside.submit(_check, warehouse, settings.primary, serving, as_of, run_token, buckets)
        deleted = connection.execute(
            sa.text("SELECT count(*) FROM models.scores WHERE as_of_date = :as_of"), {"as_of": as_of}
        ).scalar_one()
        table = connection.execute(sa.text("SELECT models.open_scores(:as_of)"), {"as_of": as_of}).scalar_one()
        insert = sa.text(f"INSERT INTO {table} ({', '.join(RANKED)})\n{sql_text('scoring/ranked').text}")
        for one in serving:
            result["rows"][str(one.key)] = connection.execute(insert, _slice(one, as_of, run_token)).rowcount
            result["models"][str(one.key)] = one.model_id
        checking.result()
        run_sql(connection, "scoring/clear_staging", run_token=run_token)
        connection.execute(sa.text("SELECT models.swap_scores(:as_of)"), {"as_of": as_of})
        audit(connection, "models.scores", str(as_of), deleted, sum(result["rows"].values()), run_id)
    log.info("scores as of %s: %s", as_of, result["rows"])
    return result


def _slice(one: Serving, as_of: date, run_token: str) -> dict[str, Any]:
    return {"run_token": run_token, "as_of": as_of, "target": one.key.target, "horizon_days": one.key.horizon_days}


def _check(
    warehouse: Warehouse, primary: TargetKey, serving: Sequence[Serving], as_of: date, run_token: str, buckets: int
) -> None:
    """Raise unless each bucket of each target holds its own customers, each once, scored by the model that serves."""
    with warehouse.begin(Role.SCORE) as connection:
        for one in serving:
            _check_target(connection, primary, one, as_of, run_token, buckets)


def _check_target(
    connection: Connection, primary: TargetKey, one: Serving, as_of: date, run_token: str, buckets: int
) -> None:
    found = connection.execute(
        with_clauses([population_clause(one.target)], "scoring/bucket_counts"),
        {**_slice(one, as_of, run_token), "days": one.population.days, "buckets": buckets},
    ).all()
    others = {name for row in found for name in (row.first_model, row.last_model)} - {one.model_id, None}
    if others:
        raise CheckFailedError(
            f"{one.key} as of {as_of} was scored by {', '.join(sorted(others))}, but {one.model_id} serves that date now: a "
            "promotion came in between; score the date again"
        )
    wrong = [row for row in found if (row.expected, row.expected_hash) != (row.staged, row.staged_hash)]
    if wrong:
        first = wrong[0]
        which = "other" if first.expected == first.staged else "all or other"
        raise CheckFailedError(
            f"{one.key} as of {as_of}: bucket {first.bucket + 1} of {buckets} has {first.staged} staged rows for "
            f"{first.expected} customers, {which} than its own ({len(wrong)} buckets are wrong): score the date again; "
            "nothing was published"
        )
    if one.key == primary and not found:
        raise CheckFailedError(
            f"{one.key} as of {as_of} has nobody to score: the population {one.population.name} of "
            f"{one.population.days} days is empty; nothing was published"
        )
