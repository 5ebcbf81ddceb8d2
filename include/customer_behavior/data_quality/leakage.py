"""Does a column know the answer? What one feature tells, out of time and out of sample, against what it could honestly tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from customer_behavior.data_quality.usability.finding import Finding, ranked
from customer_behavior.evaluation.metrics import auc
from customer_behavior.models import BoostedTrees, fit_booster
from customer_behavior.models.calibration import Platt
from customer_behavior.models.matrix import fit_levels
from customer_behavior.models.trees import booster_names
from customer_behavior.targets.outcome import OUTCOMES, Kind

CLEAR = 0.99
"""Area under the ROC curve of one column from which it is taken for the answer."""
STRONG = 0.95
"""Area from which one column is worth a look. Honest ones were at most 0.87 on the data sets tried."""
SUSPECT = 0.85
"""Area from which a column is compared with its past and with all others."""
FORESIGHT = 0.05
"""Lead of what a column tells about the window to come over what it tells about the one before, and over all other columns
together, that only a look ahead gives: what is counted from the past knows the past better."""
HABIT = 0.01
"""Lag of the window before behind the window to come that chance makes where a column knows both."""
WHOLE = 0.98
"""Area of all columns together that no single one explains, from which they are worth a look."""
MINIMUM_OF_OUTCOME = 30
"""Rows of each outcome under which areas this high come about by chance."""
DATES, ROWS_A_DATE, ROWS = 3, 3_000, 10_000
"""Read of each part: dates, rows of each, and rows in all; more rows hardly move an area, and a night waits for it."""
LEAVES, LEAF_ROWS = 16, 5
TREES = {"n_estimators": 60, "max_depth": 4, "learning_rate": 0.1, "min_child_weight": 10}
LEVEL_ROWS = 10.0
"""Rows of the mean that a category's value counts beside its own."""


@dataclass(frozen=True)
class _Rows:
    """What the areas are taken of: rows by date, with the answer, and the answer of the window before where it is known."""

    frame: pd.DataFrame
    label: np.ndarray
    past: np.ndarray
    weight: np.ndarray
    day: np.ndarray
    half: np.ndarray

    def within_dates(self, label: np.ndarray, score: np.ndarray) -> float:
        """Return the area within dates, each counting by its pairs; NaN with too few rows of an outcome."""
        known = ~np.isnan(label) & ~np.isnan(score)
        positives = int((label[known] > 0).sum())
        if min(positives, int(known.sum()) - positives) < MINIMUM_OF_OUTCOME:
            return float("nan")
        areas, pairs = [], []
        for day in np.unique(self.day[known]):
            at = known & (self.day == day)
            of_one = float(self.weight[at] @ label[at])
            count = of_one * (float(self.weight[at].sum()) - of_one)
            if count > 0:
                areas.append(auc(label[at], score[at], self.weight[at]))
                pairs.append(count)
        return float(np.average(areas, weights=pairs)) if pairs else float("nan")


def find_leaks(
    fit: pd.DataFrame,
    later: pd.DataFrame,
    features: Sequence[str],
    *,
    kind: Kind,
    horizon_days: int | None = None,
    entity: str = "customer_id",
) -> list[Finding]:
    """Return the columns that know what they cannot have known, blocking, and those too good to be taken unseen, warnings.

    Each column alone is asked, by a small tree in which a missing value is a value too, (1) on the later rows after a fit on
    the earlier ones, and (2) on one half of the entities after a fit on the other half of the same date, which finds ids
    and stamps that move with the date. Areas are taken within dates. A column is a leak when its area is at least 0.99 and
    it does not know the past window as well; or when it knows the window to come better than the one before, and
    better than all other columns together, by 0.05 each.

    Parameters
    ----------
    fit, later : DataFrame
        Columns as_of_date, `features`, label, weight; `later` has dates after those of `fit`. With `entity` and
        `horizon_days`, the days that the label looks ahead, the past window of an entity is looked up in the same rows.
    kind : "probability" or "amount"
        Of amounts it is asked whether there is any, or whether it is over the median where there always is.

    Returns
    -------
    list of Finding
        Keys `leak` (blocking, `details["column"]` is to be left out), `too_strong` and `too_strong_together`; empty when
        there is nothing, or too few rows to tell.
    """
    names = [name for name in features if name in fit and name in later]
    if not names or fit.empty or later.empty:
        return []
    cut = _cut(fit["label"], kind)
    early, late = (_sampled(rows, cut, entity) for rows in (fit, later))
    names = [name for name in names if _varies(early.frame[name]) or _varies(late.frame[name])]
    history = _history([fit, later], horizon_days, entity)
    within = [_by_date(rows, cut, history, horizon_days, entity) for rows in (fit, later)]
    areas = {name: _area(name, early, late, within) for name in names}
    suspects = {name: area for name, area in areas.items() if area >= SUSPECT}
    rest = [name for name in names if name not in suspects]
    others = _together(early, late, rest) if suspects else float("nan")
    findings = []
    for name in sorted(suspects, key=lambda name: -suspects[name]):
        past = max((_crossed(name, rows, rows.past) for rows in within), default=float("nan"), key=_or_zero)
        found = _judged(name, suspects[name], past, others)
        findings += [found] if found else []
    return ranked(findings) if findings else _too_strong_together(early, late, names)


def _judged(name: str, area: float, past: float, others: float) -> Finding | None:
    """Return what the areas of a column mean: of the window to come, of the one before, and of all honest columns."""
    knows_past = past >= area - HABIT
    foresees = area - past >= FORESIGHT and area - _or_zero(others) >= FORESIGHT
    if not (area >= STRONG or foresees):
        return None
    leak = (area >= CLEAR and not knows_past) or foresees
    said = [f"{name} alone ranks the outcome with an area under the ROC curve of {area:.3f}"]
    if not np.isnan(past):
        said.append(f"that of the window before with {past:.3f}")
    if not np.isnan(others):
        said.append(f"all less suspicious columns together reach {others:.3f}")
    details = {"column": name, "area": area, "area_past": _plain(past), "area_others": _plain(others)}
    if leak:
        return Finding(
            "blocking",
            "leak",
            f"{'; '.join(said)}: it looks into the label's window",
            f"set model: false for {name} in include/config/features.yaml, or drop it from the table; then let its source end"
            " before the as-of date (event_day < as_of_date and batch_date < as_of_date)",
            details,
        )
    return Finding(
        "warning",
        "too_strong",
        f"{'; '.join(said)}: honest columns are seldom that good",
        f"look whether {name} is known before the as-of date; if it is, nothing has to be done",
        details,
    )


def _too_strong_together(early: _Rows, late: _Rows, names: list[str]) -> list[Finding]:
    """Return a finding when all columns together are too good, with the one that they can spare least."""
    trees = _trees(early, names)
    whole = float("nan") if trees is None else late.within_dates(late.label, trees.margin(late.frame))
    if trees is None or not whole >= WHOLE:
        return []
    gain = trees.booster.get_score(importance_type="total_gain")
    known = {name: gain[called] for name, called in zip(names, booster_names(names), strict=True) if called in gain}
    strongest = sorted(known, key=lambda name: -float(np.sum(known[name])))[:3]
    without = {name: _together(early, late, [other for other in names if other != name]) for name in strongest}
    column = min(strongest, key=lambda name: _or_zero(without[name]))
    return [
        Finding(
            "warning",
            "too_strong_together",
            f"all {len(names)} columns together rank the outcome with an area under the ROC curve of {whole:.3f}, without"
            f" {column} with {without[column]:.3f}",
            f"look whether {column}, and columns computed with it, are known before the as-of date; if they are, nothing has"
            " to be done",
            {"area": whole, "column": column, "area_without": _plain(without[column])},
        )
    ]


def _cut(label: pd.Series, kind: Kind) -> float:
    """Return the value over which an outcome counts as one: for amounts 0, or their median where all are more than 0."""
    values = label.to_numpy(dtype=np.float64)
    return float(np.median(values)) if kind == "amount" and (values > 0).mean() > 1 - 1e-2 else 0.0


def _varies(column: pd.Series) -> bool:
    return column.nunique(dropna=False) > 1


def _sampled(rows: pd.DataFrame, cut: float, entity: str) -> _Rows:
    """Return at most ROWS of the rows, the same ones every time."""
    if len(rows) > ROWS:
        rows = rows.sample(ROWS, random_state=0)
    return _rows(rows, cut, np.full(len(rows), np.nan), entity)


def _by_date(
    rows: pd.DataFrame, cut: float, history: pd.DataFrame | None, horizon_days: int | None, entity: str
) -> _Rows:
    """Return rows of a few dates, spread evenly, with the outcome of the window before."""
    days = sorted(rows["as_of_date"].unique())
    parts, pasts = [], []
    for place in np.unique(np.linspace(0, len(days) - 1, DATES).round().astype(int)):
        one = rows[rows["as_of_date"] == days[place]]
        one = one.sample(ROWS_A_DATE, random_state=0) if len(one) > ROWS_A_DATE else one
        parts.append(one)
        pasts.append(_past(history, one, days[place], cut, horizon_days, entity))
    return _rows(pd.concat(parts, ignore_index=True), cut, np.concatenate(pasts), entity)


def _history(parts: list[pd.DataFrame], horizon_days: int | None, entity: str) -> pd.DataFrame | None:
    """Return entity, date and label of all rows; None when a window before cannot be looked up."""
    if horizon_days is None or any(entity not in rows for rows in parts):
        return None
    return pd.concat([rows[[entity, "as_of_date", "label"]] for rows in parts], ignore_index=True)


def _past(
    history: pd.DataFrame | None, one: pd.DataFrame, day: date, cut: float, horizon_days: int | None, entity: str
) -> np.ndarray:
    """Return the outcome of each row's entity in the newest window that had ended at `day`, NaN where it is not known."""
    if history is None or horizon_days is None:
        return np.full(len(one), np.nan)
    ended = [other for other in history["as_of_date"].unique() if other + timedelta(days=horizon_days) <= day]
    if not ended:
        return np.full(len(one), np.nan)
    before = history[history["as_of_date"] == max(ended)].drop_duplicates(entity).set_index(entity)["label"]
    found = one[entity].map(before).to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(found), np.nan, (found > cut).astype(np.float64))


def _rows(frame: pd.DataFrame, cut: float, past: np.ndarray, entity: str) -> _Rows:
    keys = frame[entity] if entity in frame else pd.Series(np.arange(len(frame)))
    return _Rows(
        frame=frame,
        label=(frame["label"].to_numpy(dtype=np.float64) > cut).astype(np.float64),
        past=past,
        weight=frame["weight"].to_numpy(dtype=np.float64),
        day=pd.factorize(frame["as_of_date"])[0],
        half=(pd.util.hash_pandas_object(keys, index=False) % 2).to_numpy(dtype=np.int64),
    )


def _area(name: str, early: _Rows, late: _Rows, within: Sequence[_Rows]) -> float:
    """Return the best of a column's areas: out of time, and across entities within dates; 0 when none can be told."""
    areas = [late.within_dates(late.label, _scores(name, early, late))]
    areas += [_crossed(name, rows, rows.label) for rows in within]
    return max(_or_zero(area) for area in areas)


def _scores(name: str, early: _Rows, late: _Rows) -> np.ndarray:
    return _fitted(early.frame[name], early.label, early.weight, late.frame[name])


def _crossed(name: str, rows: _Rows, label: np.ndarray) -> float:
    """Return the area within dates of one column, each half of the entities scored by what the other half taught."""
    score = np.full(len(label), np.nan)
    column = rows.frame[name]
    for day in np.unique(rows.day):
        for half in (0, 1):
            own = (rows.day == day) & (rows.half == half)
            other = (rows.day == day) & (rows.half != half) & ~np.isnan(label)
            if own.any() and 0 < label[other].sum() < other.sum():
                score[own] = _fitted(column[other], label[other], rows.weight[other], column[own])
    return rows.within_dates(label, score)


def _fitted(column: pd.Series, label: np.ndarray, weight: np.ndarray, asked: pd.Series) -> np.ndarray:
    """Return how likely the outcome is by one column alone, for the `asked` values; a missing value is a value too."""
    if not pd.api.types.is_numeric_dtype(column):
        return _level_means(column, label, weight, asked)
    tree = DecisionTreeClassifier(max_leaf_nodes=LEAVES, min_samples_leaf=LEAF_ROWS, random_state=0)
    fitted = tree.fit(_numbers(column), label, sample_weight=weight)
    return fitted.predict_proba(_numbers(asked))[:, -1]


def _level_means(column: pd.Series, label: np.ndarray, weight: np.ndarray, asked: pd.Series) -> np.ndarray:
    level = column.astype(object).where(column.notna(), None).map(str)
    base = float(np.average(label, weights=weight))
    counted = weight / weight.mean()
    sums = pd.DataFrame({"level": level.to_numpy(), "n": counted, "hits": counted * label}).groupby("level").sum()
    means = (sums["hits"] + LEVEL_ROWS * base) / (sums["n"] + LEVEL_ROWS)
    found = asked.astype(object).where(asked.notna(), None).map(str).map(means)
    return found.fillna(base).to_numpy(dtype=np.float64)


def _numbers(column: pd.Series) -> np.ndarray:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isinf(values), np.nan, values)[:, None]


def _together(early: _Rows, late: _Rows, names: list[str]) -> float:
    """Return the area of a few boosted trees on these columns, out of time; NaN without columns or outcomes."""
    trees = _trees(early, names)
    return float("nan") if trees is None else late.within_dates(late.label, trees.margin(late.frame))


def _trees(early: _Rows, names: list[str]) -> BoostedTrees | None:
    if not names or not 0 < early.label.sum() < len(early.label):
        return None
    features, levels = tuple(names), fit_levels(early.frame, names)
    booster = fit_booster(
        early.frame[names].assign(label=early.label),
        features,
        levels,
        OUTCOMES["probability"],
        TREES,
        seed=0,
        threads=1,
        weight=early.weight / early.weight.mean(),
    )
    return BoostedTrees(features, booster, Platt(1.0, 0.0), levels=levels)


def _or_zero(area: float) -> float:
    return 0.0 if np.isnan(area) else area


def _plain(area: float) -> float | None:
    """Return an area as JSON has it."""
    return None if np.isnan(area) else area
