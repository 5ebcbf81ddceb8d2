"""How far features moved between the first and the last dates that a training reads."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from customer_behavior.data_quality.usability.finding import Finding, numbered

BINS = 10
LEVELS = 20
"""Values of a category with a bin of their own; the rarer ones share one."""
EDGE_SHARE = 0.25
"""Share of the dates that counts as the first, and as the last."""
LARGE = 0.25
"""Population stability index from which a move is called large."""
MANY = 0.2
"""Share of features with a large move that is a warning: the fit is then of another shop than today's."""
NAMED = 5
FLOOR = 1e-4


def drift_in_window(parts: Mapping[str, pd.DataFrame], features: Sequence[str]) -> list[Finding]:
    """Return how many features moved far between the first and the last dates of all parts, the worst named."""
    days = sorted({day for rows in parts.values() for day in rows["as_of_date"].unique()})
    if len(days) < 2:
        return []
    edge = max(1, int(len(days) * EDGE_SHARE))
    first, last = _on(parts, days[:edge]), _on(parts, days[-edge:])
    moves = {name: stability_index(_column(first, name), _column(last, name)) for name in features}
    far = sorted((name for name in features if moves[name] >= LARGE), key=lambda name: -moves[name])
    if not far:
        return []
    many = len(far) >= MANY * len(features)
    worst = ", ".join(f"{name} ({moves[name]:.2f})" for name in far[:NAMED])
    return [
        Finding(
            "warning" if many else "note",
            "drift_in_window",
            f"{len(far)} of {numbered(len(features), 'feature')} moved far between {days[0]} and {days[-1]} (population"
            f" stability index of {LARGE} or more), most of all {worst}",
            "in a shop younger than 90 days windows are still filling: wait; if the shop changed, lower"
            " training.fit_snapshots in include/config/targets.yaml, so that the fit is nearer to today; if a feed changed,"
            " correct its mapping in include/sources/<source>.yaml and run load_history; a column that only ever grows can"
            " be left out with model: false in include/config/features.yaml",
            {"features": {name: round(moves[name], 4) for name in far}, "first": str(days[0]), "last": str(days[-1])},
        )
    ]


def stability_index(first: tuple[pd.Series, np.ndarray], last: tuple[pd.Series, np.ndarray], bins: int = BINS) -> float:
    """Return the population stability index of two samples, 0 or more, less what chance alone makes of it.

    Bins are quantiles of both samples together, with one for missing values; those of a category are its values.

    Parameters
    ----------
    first, last
        values (n,) with the rows that each stands for (n,)

    Notes
    -----
    Without a move the index of b bins is about (b - 1) (1/n + 1/m), with n and m the effective numbers of rows.
    B. Yurdakul, Statistical properties of population stability index, 2018.
    """
    (before, weight), (after, later_weight) = first, last
    if pd.api.types.is_numeric_dtype(before):
        codes, later_codes, size = _quantile_codes(before, after, bins)
    else:
        codes, later_codes, size = _level_codes(before, after)
    shares = np.bincount(codes, weights=weight, minlength=size) / weight.sum()
    later = np.bincount(later_codes, weights=later_weight, minlength=size) / later_weight.sum()
    used = (shares > 0) | (later > 0)
    a, b = np.maximum(shares[used], FLOOR), np.maximum(later[used], FLOOR)
    index = float(((b - a) * np.log(b / a)).sum())
    chance = (used.sum() - 1) * (1 / _effective(weight) + 1 / _effective(later_weight))
    return max(index - float(chance), 0.0)


def _quantile_codes(before: pd.Series, after: pd.Series, bins: int) -> tuple[np.ndarray, np.ndarray, int]:
    one, other = before.to_numpy(np.float64, na_value=np.nan), after.to_numpy(np.float64, na_value=np.nan)
    both = np.concatenate([one, other])
    both = both[np.isfinite(both)]
    cuts = np.arange(1, bins) / bins
    ends = np.unique(np.quantile(both, cuts, method="inverted_cdf")) if len(both) else np.zeros(0)
    found = []
    for values in (one, other):
        codes = np.searchsorted(ends, values, side="left")
        codes[np.isnan(values)] = len(ends) + 1
        found.append(codes)
    return found[0], found[1], len(ends) + 2


def _level_codes(before: pd.Series, after: pd.Series) -> tuple[np.ndarray, np.ndarray, int]:
    one, other = before.astype(object), after.astype(object)
    levels = pd.concat([one, other]).value_counts().index[:LEVELS]
    found = []
    for values in (one, other):
        codes = pd.Categorical(values, categories=levels).codes.astype(np.int64)
        codes[codes < 0] = len(levels)
        codes[values.isna().to_numpy()] = len(levels) + 1
        found.append(codes)
    return found[0], found[1], len(levels) + 2


def _effective(weight: np.ndarray) -> float:
    """Return how many equal rows tell as much as these (L. Kish, 1965)."""
    return float(weight.sum() ** 2 / (weight @ weight))


def _on(parts: Mapping[str, pd.DataFrame], days: list) -> list[pd.DataFrame]:
    frames = [rows[rows["as_of_date"].isin(days)] for rows in parts.values()]
    return [frame for frame in frames if len(frame)]


def _column(frames: list[pd.DataFrame], name: str) -> tuple[pd.Series, np.ndarray]:
    values = pd.concat([frame[name] for frame in frames], ignore_index=True)
    return values, np.concatenate([frame["weight"].to_numpy(dtype=np.float64) for frame in frames])
