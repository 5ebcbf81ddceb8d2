"""Exports whose orders say what belongs to the order on their first row only: what is to be filled down, and by which column."""

import pandas as pd

from customer_behavior.ingest.source import FillDown

EMPTY = 0.95  # the share of the following rows in which such a column is empty
FILLED = 0.8  # the share of the first rows in which it is given
CHANCE = 0.05
ENOUGH = 2  # such columns, and following rows


def find_fill_down(frame: pd.DataFrame) -> FillDown | None:
    """Return what a source would say of such a file, None when it is none."""
    best: tuple[list[str], str] = ([], "")
    for by in map(str, frame.columns):
        if frame[by].isna().any() or frame[by].nunique() < 2:
            continue
        following = (frame[by] == frame[by].shift()).to_numpy()
        if following.sum() < ENOUGH:
            continue
        columns = [
            str(name)
            for name in frame.columns
            if frame.loc[following, name].isna().mean() >= EMPTY
            and frame.loc[~following, name].notna().mean() >= FILLED
        ]
        if len(columns) > len(best[0]):
            best = (columns, by)
    columns, by = best
    if len(columns) < ENOUGH:
        return None
    following = (frame[by] == frame[by].shift()).to_numpy()
    # One that only some orders have, as guests have no mail: with as many values on the other rows, some would have been seen.
    for name in map(str, frame.columns):
        chance = (1 - frame.loc[~following, name].notna().mean()) ** following.sum()
        if name not in (*columns, by) and frame.loc[following, name].isna().all() and chance < CHANCE:
            columns.append(name)
    return FillDown(by=by, columns=tuple(columns))


def filled(frame: pd.DataFrame, fill_down: FillDown) -> pd.DataFrame:
    """Return the rows with the columns filled down, as a load fills them."""
    run = (frame[fill_down.by] != frame[fill_down.by].shift()).cumsum()
    full = frame.assign(**{name: frame.groupby(run)[name].ffill() for name in fill_down.columns}).astype(object)
    return full.where(full.notna(), None)
