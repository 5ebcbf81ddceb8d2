"""Rows of a frame as the numbers that a model reads."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from customer_behavior.targets.frame_contract import require_columns

Levels = Mapping[str, Sequence[str]]
"""Category columns, each with the values that have a code of their own."""

MINIMUM_LEVEL_ROWS = 20
"""Rows a value needs to get a code; rarer ones count as missing, as does a value never seen before."""
MAXIMUM_LEVELS = 50


def matrix(rows: pd.DataFrame, features: Sequence[str], levels: Levels | None = None) -> np.ndarray:
    """Return the features as float32, shape (n, features), NaN where there is no value; categories as their codes.

    Raises
    ------
    CheckFailedError
        When a column is gone.
    """
    require_columns(rows, features)
    if not levels:
        return rows[list(features)].to_numpy(dtype=np.float32, na_value=np.nan)
    values = np.empty((len(rows), len(features)), dtype=np.float32)
    numbers = [place for place, name in enumerate(features) if name not in levels]
    values[:, numbers] = rows[[features[place] for place in numbers]].to_numpy(dtype=np.float32, na_value=np.nan)
    for place, name in enumerate(features):
        if name in levels:
            values[:, place] = codes(rows[name], levels[name])
    return values


def codes(column: pd.Series, known: Sequence[str]) -> np.ndarray:
    """Return each value's place among the `known` ones as float32, NaN for others."""
    found = pd.Categorical(column.astype(object), categories=list(known)).codes.astype(np.float32)
    found[found < 0] = np.nan
    return found


def fit_levels(rows: pd.DataFrame, features: Sequence[str]) -> dict[str, list[str]]:
    """Return the category columns of `rows` with their most frequent values, in alphabetical order.

    A category is a column that is not of numbers.
    """
    levels = {}
    for name in features:
        if pd.api.types.is_numeric_dtype(rows[name]):
            continue
        counts = rows[name].astype(object).value_counts()
        often = counts[counts >= MINIMUM_LEVEL_ROWS].index.astype(str)
        levels[name] = sorted(sorted(often, key=lambda value: (-counts[value], value))[:MAXIMUM_LEVELS])
    return levels
