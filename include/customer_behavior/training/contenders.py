"""The contenders: tuned trees and what they have to beat, fitted on the same rows and calibrated on the same held-out ones."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from customer_behavior.training.folds import Fold

FREQUENCY = ("purchase_days_90d", "orders_90d")
"""The columns of how often a customer buys, the first that is there."""
SPENDING = ("revenue_90d",)
TREES, BLEND, BASE_RATE = "xgboost", "blend", "base_rate"
UNLEARNT = ("frequency", "spending")
"""Contenders that are one column as it is."""
XGBOOST_DEFAULTS = {"n_estimators": 100}

Uncalibrated = BoostedTrees | Linear | Blend | RfmClasses


@dataclass(frozen=True)
class Contender:
    """A model, and what it said of rows that neither it nor its calibrator was shown.

    Contenders are compared by `held_out`: all of them then have the level of these rows, which is a window's own.
    """

    name: str
    model: Model
    held_out: np.ndarray


@dataclass(frozen=True)
class Recipe:
    """How contenders are fitted, whatever the rows. What it fitted on a frame it keeps, for the next time it is asked.

    Attributes
    ----------
    hyperparameters
        those of the tuned trees, `n_estimators` included
    """

    features: tuple[str, ...]
    outcome: Outcome
    hyperparameters: Mapping[str, float | int]
    seed: int
    threads: int
    monotone: Mapping[str, int] | None = None
    _known: dict[int, "_Fit"] = field(default_factory=dict, repr=False, compare=False)

    def fit(self, rows: pd.DataFrame) -> "_Fit":
        """Return what is learnt from these rows, each kind of contender when it is first asked for."""
        return self._known.setdefault(
            id(rows), _Fit(rows, self)
        )  # the fit keeps the frame, so no other one gets its id


def contender_names(outcome: Outcome) -> list[str]:
    """Return the names of all contenders, the tuned trees first."""
    return [*_kinds(outcome), BASE_RATE]


def _kinds(outcome: Outcome) -> "dict[str, Callable[[_Fit], Uncalibrated]]":
    is_probability = outcome.kind == "probability"
    return {
        TREES: lambda fit: fit.trees,
        BLEND: lambda fit: Blend(fit.trees, fit.line, fit.identity),
        "logistic_regression" if is_probability else "tweedie_regression": lambda fit: fit.line,
        "frequency" if is_probability else "spending": lambda fit: fit.alone,
        "rfm": lambda fit: fit.classes,
        "xgboost_defaults": lambda fit: fit.defaults,
    }


def fit_contenders(
    recipe: Recipe,
    folds: Sequence[Fold],
    final: pd.DataFrame,
    *,
    names: Collection[str] = (),
    by_customers: bool = False,
) -> dict[str, Contender]:
    """Return the contenders of `names`, every one by default, the tuned trees first.

    A contender is learnt from `final`. Its calibrator is fitted on the held-out rows of all folds, each predicted by
    what was learnt from its own fold: one month has a level of its own, several have more of the shop's. Margins count from
    the level of the rows that they were learnt from, so that `final`, which knows more of a shop that got busier than the folds
    did, is not raised to the held-out rows' level twice.

    Parameters
    ----------
    folds : sequence of Fold
        By time, earlier ones first: `Contender.held_out` is of the last one's held-out rows.
    by_customers : bool
        The folds hold customers out, of the same dates: `Contender.held_out` is of the rows of all folds, in their order.

    Notes
    -----
    R. Hyndman and G. Athanasopoulos, Forecasting: Principles and Practice, 2021, section 5.10, on evaluating a forecast on
    a rolling origin.
    """
    fits = [recipe.fit(fold.learn) for fold in folds]
    calibrating = _Calibrating(folds, recipe.outcome, by_customers)
    found = {
        name: Contender(
            name, *calibrating.calibrated([kind(fit) for fit in fits], kind(recipe.fit(final)), final, name)
        )
        for name, kind in _kinds(recipe.outcome).items()
        if not names or name in names
    }
    if not names or BASE_RATE in names:
        found[BASE_RATE] = Contender(BASE_RATE, *calibrating.constant())
    return found


@dataclass(frozen=True)
class _Fit:
    """What each kind of contender learns from the same rows, not yet calibrated."""

    learn: pd.DataFrame
    recipe: Recipe

    @cached_property
    def trees(self) -> BoostedTrees:
        return self._boosted(self.recipe.hyperparameters, self.recipe.monotone)

    @cached_property
    def line(self) -> Linear:
        return self._linear(self.recipe.features)

    @cached_property
    def alone(self) -> Linear:
        """How often, or how much, a customer bought, and nothing else: its logarithm."""
        asked = FREQUENCY if self.recipe.outcome.kind == "probability" else SPENDING
        name = next((name for name in asked if name in self.recipe.features), self.recipe.features[0])
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
        return fit_rfm(self.learn, kind=self.recipe.outcome.kind, card={})

    @cached_property
    def defaults(self) -> BoostedTrees:
        return self._boosted(XGBOOST_DEFAULTS, None)

    @property
    def identity(self) -> Calibrator:
        return Platt(1.0, 0.0) if self.recipe.outcome.kind == "probability" else LogLine(1.0, 0.0)

    def _boosted(self, hyperparameters: Mapping[str, float | int], monotone: Mapping[str, int] | None) -> BoostedTrees:
        recipe = self.recipe
        levels = fit_levels(self.learn, recipe.features)
        booster = fit_booster(
            self.learn,
            recipe.features,
            levels,
            recipe.outcome,
            hyperparameters,
            recipe.seed,
            recipe.threads,
            self._weight,
            monotone,
        )
        return BoostedTrees(recipe.features, booster, self.identity, levels=levels)

    def _linear(self, features: tuple[str, ...]) -> Linear:
        return fit_linear(self.learn, features, self.recipe.outcome, self.identity, self._weight)

    @property
    def _weight(self) -> np.ndarray | None:
        return fit_weights(row_weights(self.learn))


@dataclass(frozen=True)
class _Calibrating:
    """The held-out rows of all folds, and calibrators on them."""

    folds: Sequence[Fold]
    outcome: Outcome
    by_customers: bool

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The held-out rows of all folds."""
        columns = ["customer_id", "label", "weight"]
        return pd.concat([fold.held_out[columns] for fold in self.folds], ignore_index=True)

    @property
    def compared(self) -> pd.DataFrame:
        """The rows that contenders are compared on."""
        return self.rows if self.by_customers else self.folds[-1].held_out

    def calibrated(
        self, learnt: Sequence[Uncalibrated], model: Uncalibrated, final: pd.DataFrame, name: str
    ) -> tuple[Model, np.ndarray]:
        """Return a model with a calibrator, and what is said of the compared rows by one that was not shown their customers.

        Parameters
        ----------
        learnt
            what each fold's rows to learn from gave, in the order of the folds
        model
            what `final` gave
        """
        margins = [
            self._margin(one, fold.held_out) - self._origin(fold.learn, name)
            for one, fold in zip(learnt, self.folds, strict=True)
        ]
        label, customers, weight = _given(self.rows)
        groups = customers
        if len(margins) > 1 and not self.by_customers:  # steps have to hold in a window that they were not fitted on
            groups = np.repeat(np.arange(len(margins)), [len(margin) for margin in margins])
        kind, whole = self.outcome.kind, np.concatenate(margins)
        calibrator = fit_calibrator(kind, whole, label, groups, weight)
        asked, given = (whole if self.by_customers else margins[-1]), _given(self.compared)
        alone = calibrator if self.by_customers else fit_calibrator(kind, asked, *given)
        held_out = out_of_fold(FITTED_BY[type(alone)], asked, *given)
        calibrator = calibrator.moved(self._origin(final, name))
        if isinstance(model, RfmClasses):
            return model.mapped(lambda value: calibrator.predict(self.outcome.to_margin(value))), held_out
        return replace(model, calibrator=calibrator), held_out

    def constant(self) -> tuple[Model, np.ndarray]:
        """Return the mean outcome, away from 0 and 1, and that of the compared rows for each of them."""
        return BaseRate(self._level(self.rows)), np.full(len(self.compared), self._level(self.compared))

    def _level(self, rows: pd.DataFrame) -> float:
        label, _, weight = _given(rows)
        level = metrics.mean(label, weight)
        return (level * len(label) + 1) / (len(label) + 2) if self.outcome.kind == "probability" else level

    def _origin(self, learn: pd.DataFrame, name: str) -> float:
        """Return the margin of the mean outcome of rows to learn from; 0 for what learns nothing from outcomes."""
        if name in UNLEARNT:
            return 0.0
        return float(self.outcome.to_margin(np.array([self._level(learn)]))[0])

    def _margin(self, model: Uncalibrated, rows: pd.DataFrame) -> np.ndarray:
        return self.outcome.to_margin(model.predict(rows)) if isinstance(model, RfmClasses) else model.margin(rows)


def _given(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return what a calibrator is given beside margins: labels, customers and weights."""
    return rows["label"].to_numpy(dtype=np.float64), rows["customer_id"].to_numpy(dtype=str), row_weights(rows)
