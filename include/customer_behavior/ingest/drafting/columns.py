"""What the values of columns say by themselves and of each other: numbers, keys, and which column decides another."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from customer_behavior.ingest.drafting.numbers import Decimal, decimal_of, is_number, to_number

MOSTLY = 0.95


@dataclass
class Found:
    """A column, or several, taken for one of our fields: what it rests on, and what a person has to decide."""

    columns: tuple[str, ...]
    evidence: str
    doubt: str | None = None

    @property
    def name(self) -> str:
        """The first of the columns."""
        return self.columns[0]


class Columns:
    """The columns of a sample.

    Attributes
    ----------
    frame : DataFrame of text or None
    names : list of str
        Of its columns.
    decimal : Decimal
        How its numbers are written.
    numbers : dict of str to float ndarray
        Of the columns that hold numbers, NaN where a value is none.
    """

    def __init__(self, frame: pd.DataFrame, times: set[str]) -> None:
        self.frame = frame
        self.rows = len(frame)
        self.names = [str(name) for name in frame.columns]
        written = [
            name
            for name in self.names
            if name not in times and self.filled(name) and self._share(name, is_number) >= MOSTLY
        ]
        self.decimal: Decimal = decimal_of(value for name in written for value in frame[name].dropna().head(2_000))
        sign = self.decimal.sign
        self.numbers = {
            name: np.array([to_number(value, sign) for value in frame[name]], dtype=float) for name in written
        }

    def _share(self, name: str, test: Callable[[str], bool]) -> float:
        values = self.frame[name].dropna()
        return sum(map(test, values)) / max(1, len(values))

    def filled(self, name: str) -> float:
        """Return the share of rows with a value."""
        return float(self.frame[name].notna().mean())

    def distinct(self, name: str) -> int:
        """Return the number of values."""
        return int(self.frame[name].nunique())

    def counts(self, name: str) -> Counter[str]:
        """Return how often each value stands there."""
        return Counter(self.frame[name].dropna())

    def whole(self, name: str) -> bool:
        """Return whether a column's numbers are all whole."""
        values = self.given(name)
        return bool(len(values)) and bool((values == np.round(values)).mean() >= 0.99)

    def given(self, name: str) -> np.ndarray:
        """Return a column's numbers."""
        values = self.numbers[name]
        return values[~np.isnan(values)]

    def is_key(self, name: str) -> bool:
        """Return whether a column may name something: whole numbers or short texts, more than a handful."""
        if name in self.numbers and not self.whole(name):
            return False
        values = self.frame[name].dropna()
        few = 0 if self.rows < 200 else 7
        return bool(len(values)) and float(values.str.len().mean()) <= 64 and values.nunique() > few

    def decides(self, name: str, other: str | pd.Series) -> float | None:
        """Return of the values of `name` that stand in several rows the share with one value of `other`; None without such."""
        values = self.frame[other] if isinstance(other, str) else other
        pairs = pd.DataFrame({"one": self.frame[name].to_numpy(), "other": values.to_numpy()}).dropna()
        grouped = pairs.groupby("one")["other"]
        several = grouped.size() > 1
        return float((grouped.nunique()[several] == 1).mean()) if several.any() else None

    def repeats(self, name: str) -> float:
        """Return the mean number of rows of a value."""
        return float(self.frame[name].notna().sum() / max(1, self.distinct(name)))

    def nearness(self, name: str, stamps: pd.Series) -> float:
        """Return how close in time the rows of a value lie, as the median share of the sample's span; 1 when it does not repeat."""
        table = pd.DataFrame({"one": self.frame[name].to_numpy(), "at": stamps.to_numpy()}).dropna().sort_values("at")
        span = (table["at"].max() - table["at"].min()).total_seconds()
        gaps = table.groupby("one")["at"].diff().dropna().dt.total_seconds()
        return float(gaps.median() / span) if len(gaps) and span else 1.0


def series_of(stamps: list[datetime | None]) -> pd.Series:
    """Return stamps as a column."""
    return pd.Series(pd.to_datetime(pd.Series(stamps, dtype=object), errors="coerce"))
