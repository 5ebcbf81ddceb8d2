"""Which rows of a large shop are read, and what each of them stands for.

A stratum is an as-of date with a label. Its rows are drawn without replacement, the same ones every time, and each kept row
carries the weight `total / kept`: weights of a stratum sum to the rows it has, so the base rate of every date is exact.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

Totals = dict[tuple[date, int], int]
"""Rows by as-of date and label."""

RARER_SHARE = 0.25
"""Share of the rows that are read which the rarer outcome gets, if it has them."""
MINIMUM_PER_STRATUM = 100
"""Rows a stratum keeps, if it has them, however small it is beside the others: no date or outcome is left out."""


@dataclass(frozen=True)
class Stratum:
    """An as-of date with a label: the rows it has, and those that were read."""

    as_of_date: date
    label: int
    total: int
    kept: int

    @property
    def weight(self) -> float:
        """Rows that each kept one stands for."""
        return self.total / self.kept

    def described(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "as_of_date": str(self.as_of_date),
            "label": self.label,
            "total": self.total,
            "kept": self.kept,
            "weight": round(self.weight, 6),
        }


def allocate(totals: Totals, max_rows: int) -> Totals:
    """Return how many rows of each stratum to keep: all when they are at most `max_rows`, else at most that many together.

    The rarer outcome gets its own share of the rows, or `RARER_SHARE` where that is more, as far as it has them: its rows
    tell more than the others. Within an outcome all dates are sampled at one rate, after the first `MINIMUM_PER_STRATUM`
    rows of each.
    """
    count = sum(totals.values())
    if count <= max_rows:
        return dict(totals)
    by_label = {label: {key: rows for key, rows in totals.items() if key[1] == label} for label in (0, 1)}
    rarer = min((1, 0), key=lambda label: sum(by_label[label].values()))
    has = sum(by_label[rarer].values())
    share = min(has, max(max_rows * has // count, int(max_rows * RARER_SHARE)))
    return _one_rate(by_label[rarer], share) | _one_rate(by_label[1 - rarer], max_rows - share)


def _one_rate(totals: Totals, share: int) -> Totals:
    """Return the rows to keep of each stratum, at most `share` in all, never 0 of one that has some if there is room."""
    present = {stratum: rows for stratum, rows in totals.items() if rows}
    if sum(present.values()) <= share:
        return present
    least = min(MINIMUM_PER_STRATUM, share // len(present))
    first = {stratum: min(rows, least) for stratum, rows in present.items()}
    room = share - sum(first.values())
    rest = sum(present.values()) - sum(first.values())
    return {stratum: first[stratum] + (rows - first[stratum]) * room // rest for stratum, rows in present.items()}


def row_weights(rows: pd.DataFrame) -> np.ndarray | None:
    """Return the rows' weights (n,), None when each stands for itself alone: nothing then depends on weights."""
    weight = rows["weight"].to_numpy(dtype=np.float64)
    return None if (weight == 1).all() else weight


def fit_weights(weight: np.ndarray | None) -> np.ndarray | None:
    """Return the weights scaled to a mean of 1: a penalty then counts the rows that were read, not those they stand for."""
    return None if weight is None else weight / weight.mean()


def weighted_counts(rows: pd.DataFrame) -> tuple[float, float]:
    """Return the rows, and those of them that came true (a label over 0), which these rows stand for."""
    weight = rows["weight"].to_numpy(dtype=np.float64)
    return float(weight.sum()), float(weight @ (rows["label"].to_numpy(dtype=np.float64) > 0))


def strata(rows: pd.DataFrame) -> list[Stratum]:
    """Return the strata of rows that were read, in order of date and label."""
    outcomes = rows.assign(label=(rows["label"] > 0).astype(int))
    counted = outcomes.groupby(["as_of_date", "label"], sort=True)["weight"].agg(["sum", "size"])
    return [
        Stratum(day, int(label), total=round(total), kept=int(kept))
        for (day, label), total, kept in counted.itertuples(name=None)
    ]
