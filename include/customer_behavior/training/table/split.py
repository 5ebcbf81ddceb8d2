"""Which rows of a table fit, tune, calibrate and judge: by time, each part later than the one before it."""

from datetime import date, timedelta
from itertools import accumulate
from typing import Literal

import numpy as np
import pandas as pd

from customer_behavior.data_quality.usability.finding import Finding, numbered
from customer_behavior.targets.cutoffs import Cutoffs

SHARES = {"fit": 0.5, "tune": 0.15, "calibration": 0.15, "test": 0.2}
"""Share of the rows that each part gets, in order of time."""
WITHOUT_TUNE = {"fit": 0.6, "calibration": 0.2, "test": 0.2}
PURPOSE = {"fit": "to fit", "calibration": "to calibrate on", "test": "to judge on"}
Split = Literal["time", "random"]


def split_days(days: pd.Series, label_days: int) -> Cutoffs:
    """Return the days of each part, by the shares of their rows; days whose label reaches into the next part are in none.

    Each part has at least one day where there are days enough: four that are `label_days` apart, or three without a part to tune.

    Parameters
    ----------
    days : Series
        The day of each row.
    """
    parts = _split(days, label_days, SHARES)
    if not all(parts.values()):
        parts = _split(days, label_days, WITHOUT_TUNE)
    return Cutoffs(**{name: tuple(known) for name, known in parts.items()})


def _split(days: pd.Series, label_days: int, shares: dict[str, float]) -> dict[str, list[date]]:
    """Return the days of each part; the newest parts are filled first where there are too few."""
    counts = days.value_counts().sort_index()
    known, ahead = list(counts.index), timedelta(days=label_days)
    before = [0.0, *np.cumsum(counts.to_numpy()) / counts.sum()]  # share of the rows before each day
    starts = dict(zip(shares, [0.0, *accumulate(shares.values())][:-1], strict=True))
    parts: dict[str, list[date]] = {}
    free = list(range(len(known)))
    for place, name in reversed(list(enumerate(shares))):
        least = _leading(known, free, ahead, place)  # days that the parts before need to have one each
        chosen = [n for n in free if n >= least and before[n] >= starts[name] - 1e-9]
        if not chosen and place and free and free[-1] >= least:
            chosen = [free[-1]]
        if not place:
            chosen = free
        parts[name] = [known[n] for n in chosen]
        if chosen:
            free = [n for n in free if n < chosen[0] and known[n] + ahead <= known[chosen[0]]]
    return {name: parts[name] for name in shares}


def _leading(known: list[date], free: list[int], ahead: timedelta, parts: int) -> int:
    """Return the first of the free days that leaves each of so many parts before it a day; past the last where there is none."""
    last: date | None = None
    for n in free:
        if last is None or known[n] >= last + ahead:
            last, parts = known[n], parts - 1
            if parts < 0:
                return n
    return len(known)


def split_findings(days: pd.Series, cutoffs: Cutoffs, label_days: int, split: Split) -> list[Finding]:
    """Return what there is to say of the split: why a part has no day and what to do, or what a random one flatters."""
    if split == "random":
        said = (
            "rows were held out at random, whatever their time: rows of the same days are alike, so the numbers are"
            " those of a model that knows the days it is asked about, and flatter"
        )
        return [Finding("warning", "random_split", said, "leave --split random out where the table has a time", {})]
    if cutoffs.complete:
        return []
    count = int(days.nunique())
    empty = [words for name, words in PURPOSE.items() if not getattr(cutoffs, name)]
    said = f"{numbered(count, 'different day')} in the time column leave none {' and none '.join(empty)}"
    if label_days and count >= len(PURPOSE):
        said += (
            f", since each part has to be over {numbered(label_days, 'day')} (--label-days) before the next one begins"
        )
        fix = "bring rows of a longer time, or a smaller --label-days if the label looks less far ahead"
    else:
        said += f": a split by time takes {len(PURPOSE)}"
        fix = "bring rows of more days, or pass --split random, whose numbers flatter"
    return [Finding("warning", "no_split", said, fix, {"days": count, "label_days": label_days})]
