"""Rows with a label: snapshots of past dates, the customers a target asks of, and what they did next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pandas as pd
from sqlalchemy.engine import Connection

from customer_behavior.settings import Target, TargetKey, Training
from customer_behavior.training.cutoffs import Cutoffs
from customer_behavior.training.model import matrix
from customer_behavior.training.sampling import Stratum, Totals, allocate, strata
from customer_behavior.training.statements import outcome_clause, population_clause, with_clauses

IDENTITY = ["customer_id", "as_of_date"]
BLOCK_ROWS = 20_000
"""Rows that are in memory at once in the database's types; only their float32 features stay."""
EVERY_ROW = 2**63 - 1


@dataclass(frozen=True)
class Dataset:
    """The rows of each part of a time split.

    Columns customer_id, as_of_date, the features (float32), label (0 or 1), weight (rows of the shop that this one stands for).
    """

    fit: pd.DataFrame
    calibration: pd.DataFrame
    report: pd.DataFrame

    def strata(self) -> dict[str, list[Stratum]]:
        """Return what each part has and what was read of it, by part."""
        return {name: strata(getattr(self, name)) for name in ("fit", "calibration", "report")}


def read_rows(
    connection: Connection,
    target: Target,
    horizon_days: int,
    day: date,
    known_at: date,
    features: tuple[str, ...],
    *,
    positives: int = EVERY_ROW,
    negatives: int = EVERY_ROW,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the labelled rows of one date, at most so many of each label, in the order of their customers.

    The order is fixed, since the same model has to come out of the same data.
    """
    limits = {"positives": positives, "negatives": negatives, "seed": seed}
    blocks: list[pd.DataFrame] = []
    for block in _blocks(connection, target, horizon_days, day, known_at, limits):
        values = pd.DataFrame(matrix(block, features), columns=list(features))
        outcome = block[["label", "weight"]].astype({"label": "int8", "weight": "float64"})
        blocks.append(pd.concat([block[IDENTITY], values, outcome], axis=1))
    return pd.concat(blocks, ignore_index=True)


def _blocks(
    connection: Connection, target: Target, horizon_days: int, day: date, known_at: date, limits: dict[str, int]
) -> Iterator[pd.DataFrame]:
    """Yield the rows as the database has them, through a cursor on its side; one empty block when there are none."""
    statement = with_clauses([population_clause(target), outcome_clause(target)], "training/labelled_rows")
    yield from pd.read_sql_query(
        statement.execution_options(stream_results=True, max_row_buffer=BLOCK_ROWS),
        connection,
        params={**_asked(target, horizon_days, day, known_at), **limits},
        chunksize=BLOCK_ROWS,
    )


def _totals(
    connection: Connection, target: Target, horizon_days: int, days: tuple[date, ...], known_at: date
) -> Totals:
    """Return how many labelled rows there are, by date and label."""
    statement = with_clauses([population_clause(target), outcome_clause(target)], "training/stratum_rows")
    return {
        (day, row.label): row.total
        for day in days
        for row in connection.execute(statement, _asked(target, horizon_days, day, known_at))
    }


def _asked(target: Target, horizon_days: int, day: date, known_at: date) -> dict[str, date | int]:
    return {"as_of": day, "days": target.population.days, "horizon_days": horizon_days, "known_at": known_at}


def read_dataset(
    connection: Connection,
    target: Target,
    key: TargetKey,
    cutoffs: Cutoffs,
    known_at: date,
    features: tuple[str, ...],
    settings: Training,
) -> Dataset:
    """Return the labelled rows of every cutoff, labels as known at `known_at`; a part over its `max_rows` is sampled."""

    def part(days: tuple[date, ...], max_rows: int) -> pd.DataFrame:
        wanted = allocate(_totals(connection, target, key.horizon_days, days, known_at), max_rows)
        frames = [
            read_rows(
                connection,
                target,
                key.horizon_days,
                day,
                known_at,
                features,
                positives=wanted.get((day, 1), 0),
                negatives=wanted.get((day, 0), 0),
                seed=settings.seed,
            )
            for day in days
        ]
        empty = pd.DataFrame(columns=[*IDENTITY, *features, "label", "weight"])
        return pd.concat(frames, ignore_index=True) if frames else empty

    return Dataset(
        fit=part(cutoffs.fit, settings.max_rows.fit),
        calibration=part(cutoffs.calibration, settings.max_rows.calibration),
        report=part(cutoffs.report, settings.max_rows.report),
    )
