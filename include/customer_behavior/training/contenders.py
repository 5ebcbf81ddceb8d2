"""The contenders: tuned trees and what they have to beat, fitted on the same rows and calibrated on the same later ones."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from customer_behavior.evaluation import metrics
from customer_behavior.models import (
    BaseRate,
    Blend,
    BoostedTrees,
    Linear,
    Model,
    RfmClasses,
    fit_booster,
    fit_linear,
    fit_rfm,
)
from customer_behavior.models.calibration import FITTED_BY, Calibrator, LogLine, Platt, fit_calibrator, out_of_fold
from customer_behavior.models.matrix import fit_levels
from customer_behavior.targets.outcome import Outcome
from customer_behavior.targets.sampling import fit_weights, row_weights

FREQUENCY = ("purchase_days_90d", "orders_90d")
"""The columns of how often a customer buys, the first that is there."""
SPENDING = ("revenue_90d",)
TREES, BLEND, BASE_RATE = "xgboost", "blend", "base_rate"
XGBOOST_DEFAULTS = {"n_estimators": 100}

Uncalibrated = BoostedTrees | Linear | Blend | RfmClasses


@dataclass(frozen=True)
class Fold:
    """Rows to learn from, and later ones to calibrate what was learnt: both with `customer_id`, the features, `label`, `weight`."""

    learn: pd.DataFrame
    calibration: pd.DataFrame


@dataclass(frozen=True)
class Contender:
    """A model, and what a calibrator of the last fold's rows alone makes of it for those of them whose customers it was not shown.

    Contenders are compared by `held_out`: all of them then have the level of these rows, which is a window's own.
    """

    name: str
    model: Model
    held_out: np.ndarray


def fit_contenders(
    folds: Sequence[Fold],
    features: tuple[str, ...],
    outcome: Outcome,
    trees: Mapping[str, float | int],
    seed: int,
    threads: int,
    monotone: Mapping[str, int] | None = None,
    names: Collection[str] = (),
) -> dict[str, Contender]:
    """Return the contenders of `names`, every one by default, the tuned trees first.

    A contender is learnt from the last fold. Its calibrator is fitted on the later rows of all folds, each predicted by
    what was learnt from its own fold: one month has a level of its own, several have more of the shop's.

    Parameters
    ----------
    folds : sequence of Fold
        Earlier ones first; the last one's calibration rows are those of `Contender.held_out`.
    trees : mapping
        The hyperparameters of the tuned trees, `n_estimators` included.

    Notes
    -----
    R. Hyndman and G. Athanasopoulos, Forecasting: Principles and Practice, 2021, section 5.10, on evaluating a forecast on
    a rolling origin.
    """
    fits = [_Fit(fold.learn, features, outcome, trees, seed, threads, monotone) for fold in folds]
    calibrating = _Calibrating(folds, outcome)
    is_probability = outcome.kind == "probability"
    kinds: dict[str, Callable[[_Fit], Uncalibrated]] = {
        TREES: lambda fit: fit.trees,
        BLEND: lambda fit: Blend(fit.trees, fit.line, fit.identity),
        "logistic_regression" if is_probability else "tweedie_regression": lambda fit: fit.line,
        "frequency" if is_probability else "spending": lambda fit: fit.alone,
        "rfm": lambda fit: fit.classes,
        "xgboost_defaults": lambda fit: fit.boosted(XGBOOST_DEFAULTS, None),
    }
    found = {
        name: Contender(name, *calibrating.calibrated([kind(fit) for fit in fits]))
        for name, kind in kinds.items()
        if not names or name in names
    }
    if not names or BASE_RATE in names:
        found[BASE_RATE] = Contender(BASE_RATE, *calibrating.constant())
    return found


@dataclass(frozen=True)
class _Fit:
    """What each kind of contender learns from the same rows, not yet calibrated."""

    learn: pd.DataFrame
    features: tuple[str, ...]
    outcome: Outcome
    hyperparameters: Mapping[str, float | int]
    seed: int
    threads: int
    monotone: Mapping[str, int] | None

    @cached_property
    def trees(self) -> BoostedTrees:
        return self.boosted(self.hyperparameters, self.monotone)

    @cached_property
    def line(self) -> Linear:
        return self._linear(self.features)

    @cached_property
    def alone(self) -> Linear:
        """How often, or how much, a customer bought, and nothing else: its logarithm."""
        asked = FREQUENCY if self.outcome.kind == "probability" else SPENDING
        name = next((name for name in asked if name in self.features), self.features[0])
        if fit_levels(self.learn, (name,)):
            return self._linear((name,))
        return Linear(
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

    @cached_property
    def classes(self) -> RfmClasses:
        return fit_rfm(self.learn, kind=self.outcome.kind, card={})

    def boosted(self, hyperparameters: Mapping[str, float | int], monotone: Mapping[str, int] | None) -> BoostedTrees:
        levels = fit_levels(self.learn, self.features)
        booster = fit_booster(
            self.learn,
            self.features,
            levels,
            self.outcome,
            hyperparameters,
            self.seed,
            self.threads,
            self._weight,
            monotone,
        )
        return BoostedTrees(self.features, booster, self.identity, levels=levels)

    @property
    def identity(self) -> Calibrator:
        return Platt(1.0, 0.0) if self.outcome.kind == "probability" else LogLine(1.0, 0.0)

    def _linear(self, features: tuple[str, ...]) -> Linear:
        return fit_linear(self.learn, features, self.outcome, self.identity, self._weight)

    @property
    def _weight(self) -> np.ndarray | None:
        return fit_weights(row_weights(self.learn))


@dataclass(frozen=True)
class _Calibrating:
    """The later rows of all folds, and calibrators on them."""

    folds: Sequence[Fold]
    outcome: Outcome

    @cached_property
    def rows(self) -> pd.DataFrame:
        columns = ["customer_id", "label", "weight"]
        return pd.concat([fold.calibration[columns] for fold in self.folds], ignore_index=True)

    def calibrated(self, learnt: Sequence[Uncalibrated]) -> tuple[Model, np.ndarray]:
        """Return the last fold's model with a calibrator, and what it predicts for that fold's rows, none of whose customers it saw.

        Parameters
        ----------
        learnt
            what each fold's rows to learn from gave, in the order of the folds
        """
        margins = [self._margin(model, fold.calibration) for model, fold in zip(learnt, self.folds, strict=True)]
        given = _given(self.folds[-1].calibration)
        alone = calibrator = fit_calibrator(self.outcome.kind, margins[-1], *given)
        if len(margins) > 1:  # steps have to hold in a window that they were not fitted on
            label, _, weight = _given(self.rows)
            window = np.repeat(np.arange(len(margins)), [len(margin) for margin in margins])
            calibrator = fit_calibrator(self.outcome.kind, np.concatenate(margins), label, window, weight)
        held_out = out_of_fold(FITTED_BY[type(alone)], margins[-1], *given)
        model = learnt[-1]
        if isinstance(model, RfmClasses):
            return model.mapped(lambda value: calibrator.predict(self.outcome.to_margin(value))), held_out
        return replace(model, calibrator=calibrator), held_out

    def constant(self) -> tuple[Model, np.ndarray]:
        """Return the mean outcome, away from 0 and 1, and that of the last fold's rows for each of them."""
        last = self.folds[-1].calibration
        return BaseRate(self._level(self.rows)), np.full(len(last), self._level(last))

    def _level(self, rows: pd.DataFrame) -> float:
        label, _, weight = _given(rows)
        level = metrics.mean(label, weight)
        return (level * len(label) + 1) / (len(label) + 2) if self.outcome.kind == "probability" else level

    def _margin(self, model: Uncalibrated, rows: pd.DataFrame) -> np.ndarray:
        return self.outcome.to_margin(model.predict(rows)) if isinstance(model, RfmClasses) else model.margin(rows)


def _given(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return what a calibrator is given beside margins: labels, customers and weights."""
    return rows["label"].to_numpy(dtype=np.float64), rows["customer_id"].to_numpy(dtype=str), row_weights(rows)
