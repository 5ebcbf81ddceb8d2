"""The contenders: tuned trees and what they have to beat, fitted on the same rows and calibrated on the same later ones."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd

from customer_behavior.training import metrics
from customer_behavior.training.calibration import FITTED_BY, Calibrator, LogLine, Platt, fit_calibrator, out_of_fold
from customer_behavior.training.models import (
    BaseRate,
    Blend,
    BoostedTrees,
    Linear,
    Model,
    fit_booster,
    fit_linear,
    fit_rfm,
)
from customer_behavior.training.models.matrix import fit_levels
from customer_behavior.training.outcome import Outcome
from customer_behavior.training.sampling import fit_weights, row_weights

FREQUENCY = ("purchase_days_90d", "orders_90d")
"""The columns of how often a customer buys, the first that is there."""
SPENDING = ("revenue_90d",)
TREES, BLEND = "xgboost", "blend"
XGBOOST_DEFAULTS = {"n_estimators": 100}


@dataclass(frozen=True)
class Contender:
    """A model with the calibrator's view of it: what it predicted for calibration rows whose customers it was not shown."""

    name: str
    model: Model
    held_out: np.ndarray


def fit_contenders(
    learn: pd.DataFrame,
    calibration: pd.DataFrame,
    features: tuple[str, ...],
    outcome: Outcome,
    trees: Mapping[str, float | int],
    seed: int,
    threads: int,
    monotone: Mapping[str, int] | None = None,
    names: Collection[str] = (),
) -> dict[str, Contender]:
    """Return the contenders of `names`, every one by default, the tuned trees first.

    Parameters
    ----------
    learn, calibration : DataFrame
        Columns of `features`, `customer_id`, `label` and `weight`; calibration rows are later than those of `learn`.
    trees : mapping
        The recipe of the tuned trees, `n_estimators` included.
    """
    fitting = _Fitting(learn, calibration, features, outcome, seed, threads)
    is_probability = outcome.kind == "probability"
    regression = "logistic_regression" if is_probability else "tweedie_regression"
    tuned = cache(lambda: fitting.trees(trees, monotone))
    line = cache(lambda: fitting.linear(features))
    fits: dict[str, Callable[[], tuple[Model, np.ndarray]]] = {
        TREES: lambda: fitting.calibrated(tuned()),
        BLEND: lambda: fitting.calibrated(Blend(tuned(), line(), fitting.identity)),
        regression: lambda: fitting.calibrated(line()),
        "frequency" if is_probability else "spending": fitting.alone,
        "rfm": fitting.rfm,
        "xgboost_defaults": lambda: fitting.calibrated(fitting.trees(XGBOOST_DEFAULTS, None)),
        "base_rate": fitting.constant,
    }
    return {name: Contender(name, *fit()) for name, fit in fits.items() if not names or name in names}


@dataclass(frozen=True)
class _Fitting:
    """The rows to learn from and to calibrate on, and how each kind of contender is made of them."""

    learn: pd.DataFrame
    calibration: pd.DataFrame
    features: tuple[str, ...]
    outcome: Outcome
    seed: int
    threads: int

    def trees(self, recipe: Mapping[str, float | int], monotone: Mapping[str, int] | None) -> BoostedTrees:
        levels = fit_levels(self.learn, self.features)
        booster = fit_booster(
            self.learn, self.features, levels, self.outcome, recipe, self.seed, self.threads, self._weight, monotone
        )
        return BoostedTrees(self.features, booster, self.identity, levels=levels)

    def linear(self, features: tuple[str, ...]) -> Linear:
        return fit_linear(self.learn, features, self.outcome, self.identity, self._weight)

    def alone(self) -> tuple[Model, np.ndarray]:
        """How often, or how much, a customer bought, and nothing else: its logarithm."""
        asked = FREQUENCY if self.outcome.kind == "probability" else SPENDING
        name = next((name for name in asked if name in self.features), self.features[0])
        levels = fit_levels(self.learn, (name,))
        if levels:
            return self.calibrated(self.linear((name,)))
        model = Linear(
            features=(name,),
            medians={name: 0.0},
            tailed=(name,),
            flagged=(),
            levels={},
            weights=(1.0,),
            means=(0.0,),
            intercept=0.0,
            calibrator=self.identity,
        )
        return self.calibrated(model)

    def rfm(self) -> tuple[Model, np.ndarray]:
        classes = fit_rfm(self.learn, kind=self.outcome.kind, recipe={})
        calibrator, held_out = self._calibrator(self.outcome.to_margin(classes.predict(self.calibration)))
        return classes.mapped(lambda value: calibrator.predict(self.outcome.to_margin(value))), held_out

    def constant(self) -> tuple[Model, np.ndarray]:
        label, weight = self._label, row_weights(self.calibration)
        level = metrics.mean(label, weight)
        if self.outcome.kind == "probability":
            level = (level * len(label) + 1) / (len(label) + 2)
        return BaseRate(level), np.full(len(label), level)

    @property
    def _weight(self) -> np.ndarray | None:
        return fit_weights(row_weights(self.learn))

    @property
    def _label(self) -> np.ndarray:
        return self.calibration["label"].to_numpy(dtype=np.float64)

    @property
    def identity(self) -> Calibrator:
        return Platt(1.0, 0.0) if self.outcome.kind == "probability" else LogLine(1.0, 0.0)

    def calibrated(self, model: BoostedTrees | Linear | Blend) -> tuple[Model, np.ndarray]:
        """Return the model with a calibrator, and what it predicts for calibration rows it was not shown."""
        calibrator, held_out = self._calibrator(model.margin(self.calibration))
        return replace(model, calibrator=calibrator), held_out

    def _calibrator(self, margin: np.ndarray) -> tuple[Calibrator, np.ndarray]:
        weight, groups = row_weights(self.calibration), self.calibration["customer_id"].to_numpy(dtype=str)
        calibrator = fit_calibrator(self.outcome.kind, margin, self._label, groups, weight)
        return calibrator, out_of_fold(FITTED_BY[type(calibrator)], margin, self._label, groups, weight)
