"""Rows with a label: snapshots of past dates, the customers a target asks of, and what they did next."""

from dataclasses import dataclass
from datetime import date

import pandas as pd
from sqlalchemy.engine import Connection

from customer_behavior.settings import Target, TargetKey
from customer_behavior.training.cutoffs import Cutoffs
from customer_behavior.training.model import matrix
from customer_behavior.training.statements import outcome_clause, population_clause, with_clauses

IDENTITY = ["customer_id", "as_of_date"]


@dataclass(frozen=True)
class Dataset:
    """The rows of each part of a time split: columns customer_id, as_of_date, the features (float32), label (0 or 1)."""

    fit: pd.DataFrame
    calibration: pd.DataFrame
    report: pd.DataFrame


def read_rows(
    connection: Connection, target: Target, horizon_days: int, day: date, known_at: date, features: tuple[str, ...]
) -> pd.DataFrame:
    """Return the labelled rows of one date, in the order of their customers.

    The order is fixed, since the same model has to come out of the same data.
    """
    frame = pd.read_sql_query(
        with_clauses([population_clause(target), outcome_clause(target)], "training/labelled_rows"),
        connection,
        params={"as_of": day, "days": target.population.days, "horizon_days": horizon_days, "known_at": known_at},
    )
    values = pd.DataFrame(matrix(frame, features), columns=list(features))
    return pd.concat([frame[IDENTITY], values, frame["label"].astype("int8")], axis=1)


def read_dataset(
    connection: Connection, target: Target, key: TargetKey, cutoffs: Cutoffs, known_at: date, features: tuple[str, ...]
) -> Dataset:
    """Return the labelled rows of every cutoff, labels as known at `known_at`."""

    def part(days: tuple[date, ...]) -> pd.DataFrame:
        frames = [read_rows(connection, target, key.horizon_days, day, known_at, features) for day in days]
        empty = pd.DataFrame(columns=[*IDENTITY, *features, "label"])
        return pd.concat(frames, ignore_index=True) if frames else empty

    return Dataset(fit=part(cutoffs.fit), calibration=part(cutoffs.calibration), report=part(cutoffs.report))
