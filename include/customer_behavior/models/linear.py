"""Logistic regression, and its like for amounts: a sum over features, kept as the numbers it is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, TweedieRegressor

from customer_behavior.models.calibration import Calibrator, calibrator_from
from customer_behavior.models.matrix import Levels, fit_levels
from customer_behavior.models.protocol import MODEL_FILE, card_of, description
from customer_behavior.targets.frame_contract import require_columns
from customer_behavior.targets.outcome import TWEEDIE_POWER, Outcome

HEAVY_TAIL = 2.0
"""Skewness over which a feature that is never negative enters as log(1 + x)."""
RIDGE = 1e-3
"""Penalty of the regression of amounts; that of the logistic one is scikit-learn's."""


@dataclass(frozen=True)
class Linear:
    """A weight for each column of the design: a feature's value, its missing flag, or one of its categories.

    Attributes
    ----------
    medians
        feature to the value that stands for a missing one
    tailed
        features that enter as log(1 + x)
    flagged
        features whose missing values have a weight of their own
    weights, means
        of the design's columns, in its order; a weight is in units of the column
    """

    features: tuple[str, ...]
    medians: Mapping[str, float]
    tailed: tuple[str, ...]
    flagged: tuple[str, ...]
    levels: Levels
    weights: tuple[float, ...]
    means: tuple[float, ...]
    intercept: float
    calibrator: Calibrator
    card: dict[str, Any] = field(default_factory=dict)
    kind: str = "linear"

    def margin(self, rows: pd.DataFrame) -> np.ndarray:
        """Return uncalibrated log-odds, or logarithms of the amount, shape (n,)."""
        return self._centred(rows) @ np.array(self.weights) + self.intercept

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return calibrated probabilities or amounts, shape (n,)."""
        return self.calibrator.predict(self.margin(rows))

    def explain(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return predictions (n,) and contributions (n, features): weight times distance from the mean of the fit.

        They are exact SHAP values if features are taken as independent.
        """
        margin, shares = self.shares(rows)
        return self.calibrator.predict(margin), self.calibrator.contributions(margin, shares)

    def shares(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the margin (n,) and what each feature adds to it (n, features)."""
        shares = self._centred(rows) * np.array(self.weights)
        by_feature = np.zeros((len(rows), len(self.features)), dtype=np.float32)
        for column, owner in enumerate(self._owners()):
            by_feature[:, owner] += shares[:, column]
        return shares.sum(axis=1) + self.intercept, by_feature

    def _centred(self, rows: pd.DataFrame) -> np.ndarray:
        return design(rows, self.features, self.medians, self.tailed, self.flagged, self.levels) - np.array(self.means)

    def _owners(self) -> list[int]:
        place = {name: index for index, name in enumerate(self.features)}
        return [place[name] for name in _column_owners(self.features, self.flagged, self.levels)]

    def files(self) -> dict[str, bytes]:
        """Return the one JSON file."""
        return {
            MODEL_FILE: description(
                self,
                medians=dict(self.medians),
                tailed=list(self.tailed),
                flagged=list(self.flagged),
                levels={name: list(values) for name, values in self.levels.items()},
                weights=list(self.weights),
                means=list(self.means),
                intercept=self.intercept,
                calibrator=self.calibrator.content(),
            )
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "Linear":
        """Return the model whose `files()` these are."""
        return cls.from_content(json.loads(files[MODEL_FILE]), files)

    @classmethod
    def from_content(cls, content: Mapping[str, Any], files: Mapping[str, bytes]) -> "Linear":
        """Return the model that `files()` wrote."""
        return cls(
            features=tuple(content["features"]),
            medians=content["medians"],
            tailed=tuple(content["tailed"]),
            flagged=tuple(content["flagged"]),
            levels=content["levels"],
            weights=tuple(content["weights"]),
            means=tuple(content["means"]),
            intercept=content["intercept"],
            calibrator=calibrator_from(content["calibrator"]),
            card=card_of(content),
        )


def design(
    rows: pd.DataFrame,
    features: Sequence[str],
    medians: Mapping[str, float],
    tailed: Sequence[str],
    flagged: Sequence[str],
    levels: Levels,
) -> np.ndarray:
    """Return the columns that have a weight, shape (n, k): numbers, then missing flags, then categories."""
    require_columns(rows, features)
    numbers = [name for name in features if name not in levels]
    values = rows[numbers].to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    logs = np.isin(numbers, list(tailed))
    values[:, logs] = np.log1p(np.clip(values[:, logs], 0, None))
    missing = np.isnan(values)
    values = np.where(missing, [medians[name] for name in numbers], values)
    parts = [values, missing[:, np.isin(numbers, list(flagged))].astype(np.float64)]
    for name in features:
        if name in levels:
            seen = rows[name].astype(object).to_numpy()[:, None] == np.array(levels[name], dtype=object)[None, :]
            parts.append(seen.astype(np.float64))
    return np.concatenate(parts, axis=1)


def _column_owners(features: Sequence[str], flagged: Sequence[str], levels: Levels) -> list[str]:
    """Return the feature of each column of the design."""
    numbers = [name for name in features if name not in levels]
    return [
        *numbers,
        *(name for name in numbers if name in flagged),
        *(name for name in features if name in levels for _ in levels[name]),
    ]


def fit_linear(
    rows: pd.DataFrame,
    features: tuple[str, ...],
    outcome: Outcome,
    calibrator: Calibrator,
    weight: np.ndarray | None = None,
) -> Linear:
    """Return a regression on medians and missing flags, logarithms of heavy tails, categories, and standard units.

    Parameters
    ----------
    rows : DataFrame
        Columns of `features` (text columns are categories) and `label`.
    weight : array of shape (n,), optional
        With a mean of 1: penalties count the rows that were read.
    """
    levels = fit_levels(rows, features)
    numbers = [name for name in features if name not in levels]
    # Column by column: the frame in float64 would be the largest thing in memory.
    tailed = tuple(name for name in numbers if _is_heavy_tailed(rows[name].astype(float)))
    medians = {name: _median(rows[name].astype(float), name in tailed) for name in numbers}
    flagged = tuple(name for name in numbers if rows[name].isna().any())
    values = design(rows, features, medians, tailed, flagged, levels)
    counted = np.ones(len(rows)) if weight is None else weight
    means = counted @ values / counted.sum()  # np.average fails without columns: those of rare texts have none
    values -= means
    scales = np.sqrt(counted @ values**2 / counted.sum())
    varies = scales > 1e-12
    values = (values[:, varies] / scales[varies]).astype(np.float32)
    label = rows["label"].to_numpy()
    weights = np.zeros(len(means))
    if not varies.any():
        intercept = float(outcome.to_margin(np.average(label, weights=weight)))
    elif outcome.kind == "probability":
        fitted = LogisticRegression(max_iter=1000).fit(values, label, sample_weight=weight)
        weights[varies], intercept = fitted.coef_[0] / scales[varies], float(fitted.intercept_[0])
    else:
        level = float(np.average(label, weights=weight)) or 1.0
        regression = TweedieRegressor(power=TWEEDIE_POWER, alpha=RIDGE, link="log", max_iter=1000)
        fitted = regression.fit(values, label / level, sample_weight=weight)
        weights[varies], intercept = fitted.coef_ / scales[varies], float(fitted.intercept_ + np.log(level))
    return Linear(
        features=features,
        medians=medians,
        tailed=tailed,
        flagged=flagged,
        levels=levels,
        weights=tuple(map(float, weights)),
        means=tuple(map(float, means)),
        intercept=intercept,
        calibrator=calibrator,
    )


def _median(column: pd.Series, tailed: bool) -> float:
    """Return the median as the design has it, 0 without a value.

    It is that of the rows that were read: beside its flag, which value stands for a missing one is of no account.
    """
    median = float(column.median())
    if np.isnan(median):
        return 0.0
    return float(np.log1p(max(median, 0.0))) if tailed else median


def _is_heavy_tailed(column: pd.Series) -> bool:
    return (
        float(np.nanmin(column.to_numpy(), initial=np.inf)) >= 0
        and float(column.to_frame().skew().iloc[0]) > HEAVY_TAIL
    )
