"""Rows with a label: snapshots of past dates, the customers a target asks of, and what they did next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
from sqlalchemy.engine import Connection

from customer_behavior.settings import Feature, Target, TargetKey, Training
from customer_behavior.targets.cutoffs import PARTS, Cutoffs
from customer_behavior.targets.frame_contract import require_columns
from customer_behavior.targets.sampling import Stratum, Totals, allocate, strata
from customer_behavior.targets.statements import candidates_clause, labelled_clauses, population_of, with_clauses

IDENTITY = ["customer_id", "as_of_date"]
BLOCK_ROWS = 20_000
"""Rows that are in memory at once in the database's types; only their float32 features stay."""
EVERY_ROW = 2**63 - 1


@dataclass(frozen=True)
class Dataset:
    """The rows of each part of a time split; see `customer_behavior.targets.cutoffs.Cutoffs` for the parts.

    Columns customer_id, as_of_date, the features (numbers as float32, categories as text), label (0 or 1, or an amount),
    weight (rows of the shop that this one stands for).
    """

    fit: pd.DataFrame
    gap: pd.DataFrame
    tune: pd.DataFrame
    calibration_gap: pd.DataFrame
    calibration: pd.DataFrame
    test_gap: pd.DataFrame
    test: pd.DataFrame

    @property
    def learn(self) -> pd.DataFrame:
        """The rows before those that calibrate: fit, gap and tune."""
        return _together(self.fit, self.gap, self.tune)

    @property
    def before_test(self) -> pd.DataFrame:
        """The rows whose labels were known on the first test date."""
        return _together(self.fit, self.gap, self.tune, self.calibration_gap, self.calibration)

    @property
    def every(self) -> pd.DataFrame:
        """All rows, in the order of the parts."""
        return _together(*self.parts().values())

    def parts(self) -> dict[str, pd.DataFrame]:
        """Return each part's rows by its name, earliest part first."""
        return {name: getattr(self, name) for name in PARTS}

    def strata(self) -> dict[str, list[Stratum]]:
        """Return what each part has and what was read of it, by part."""
        return {name: strata(rows) for name, rows in self.parts().items()}


def _together(*parts: pd.DataFrame) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    if len(filled) < 2:
        return filled[0] if filled else parts[0]
    return pd.concat(filled, ignore_index=True)


def read_rows(
    connection: Connection,
    target: Target,
    horizon_days: int,
    day: date,
    known_at: date,
    features: Mapping[str, Feature],
    *,
    positives: int = EVERY_ROW,
    negatives: int = EVERY_ROW,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the labelled rows of one date, at most so many of each label, in the order of their customers.

    The order is fixed, since the same model has to come out of the same data.
    """
    limits = {"positives": positives, "negatives": negatives, "seed": seed}
    types = {name: "object" if feature.kind == "category" else "float32" for name, feature in features.items()}
    label_type = "int8" if target.kind == "probability" else "float64"
    blocks: list[pd.DataFrame] = []
    for block in _blocks(connection, target, horizon_days, day, known_at, limits):
        require_columns(block, list(features))
        outcome = block[["label", "weight"]].astype({"label": label_type, "weight": "float64"})
        blocks.append(pd.concat([block[IDENTITY], block[list(features)].astype(types), outcome], axis=1))
    return pd.concat(blocks, ignore_index=True)


def _blocks(
    connection: Connection, target: Target, horizon_days: int, day: date, known_at: date, limits: dict[str, int]
) -> Iterator[pd.DataFrame]:
    """Yield the rows as the database has them, through a cursor on its side; one empty block when there are none."""
    statement = with_clauses([*labelled_clauses(target), candidates_clause(target)], "targets/labelled")
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
    statement = with_clauses(labelled_clauses(target), "targets/strata")
    return {
        (day, row.label): row.total
        for day in days
        for row in connection.execute(statement, _asked(target, horizon_days, day, known_at))
    }


def _asked(target: Target, horizon_days: int, day: date, known_at: date) -> dict[str, date | int]:
    if target.entity == "session":
        return {"as_of": day}
    return {
        "as_of": day,
        "days": population_of(target).days,
        "horizon_days": horizon_days,
        "known_at": known_at,
    }


def read_dataset(
    connection: Connection,
    target: Target,
    key: TargetKey,
    cutoffs: Cutoffs,
    known_at: date,
    features: Mapping[str, Feature],
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

    limit = settings.max_rows
    most = {
        "fit": limit.fit,
        "gap": limit.fit,
        "tune": limit.tune,
        "calibration_gap": limit.fit,
        "calibration": limit.calibration,
        "test_gap": limit.fit,
        "test": limit.test,
    }
    return Dataset(**{name: part(days, most[name]) for name, days in cutoffs.parts().items()})
