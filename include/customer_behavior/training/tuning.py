"""Which hyperparameters the trees are fitted with: trials on the fit dates, judged on the later tune dates."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import optuna
import pandas as pd
import xgboost as xgb
from scipy.stats import norm

from customer_behavior.evaluation import metrics
from customer_behavior.models.matrix import fit_levels, matrix
from customer_behavior.models.trees import booster_parameters, quantile_data, tree_data
from customer_behavior.settings import Tuning
from customer_behavior.targets.outcome import Outcome
from customer_behavior.targets.sampling import fit_weights, row_weights

log = logging.getLogger(__name__)

REPORT_EVERY = 10
"""Trees between two looks at a trial, at which it may be pruned."""
STARTUP_TRIALS = 4
"""Trials that are never pruned: what is usual is not known before."""

LUCK = 0.025
"""Chance that any of the trials takes the place of the first though it is no better."""

Hyperparameters = dict[str, float | int]


@dataclass(frozen=True)
class Trial:
    """Hyperparameters that were tried; `loss` and `trees` are None unless it is complete."""

    trial: int
    state: str
    parameters: Hyperparameters
    loss: float | None = None
    trees: int | None = None
    chosen: bool = False


@dataclass(frozen=True)
class Tuned:
    """The hyperparameters to fit with, `n_estimators` included, and how they were found."""

    hyperparameters: Hyperparameters
    trials: tuple[Trial, ...] = ()
    aborted: bool = False

    def rejected_for(self, start: Hyperparameters) -> "Tuned":
        """Return the record of a search whose result is rejected for the hyperparameters that it started from."""
        trials = tuple(replace(trial, chosen=trial.trial == 0) for trial in self.trials)
        return replace(self, hyperparameters=start, trials=trials)


def tune(
    fit: pd.DataFrame,
    tune_rows: pd.DataFrame,
    features: tuple[str, ...],
    outcome: Outcome,
    start: Hyperparameters,
    settings: Tuning,
    seed: int,
    threads: int,
    monotone: Mapping[str, int] | None = None,
) -> Tuned:
    """Return the hyperparameters to fit with: `start`, unless others are surely better on later rows.

    Trial 0 is `start` (the champion's hyperparameters, or those of the settings); see `choose` for what takes its place.

    Parameters
    ----------
    fit, tune_rows : DataFrame
        Columns of `features`, `customer_id`, `label` and `weight`; the label windows of `fit` end before the first of `tune_rows`.
    settings : Tuning
        So many trials; a study that takes longer than `timeout_seconds` is ended and says so (`aborted`).

    Notes
    -----
    T. Akiba et al., Optuna, 2019; trials are pruned against the median of those before, trees are added until 30 more
    do not help. The same rows, start and seed give the same ones, unless the study is aborted.
    """
    levels = fit_levels(fit, features)
    weights = row_weights(fit)
    known = quantile_data(
        matrix(fit, features, levels),
        features,
        levels,
        label=fit["label"].to_numpy(),
        weight=fit_weights(weights),
        nthread=threads,
    )
    # Not in bins: they would be turned back into values for every tree, which takes as long as fitting it.
    later = tree_data(
        matrix(tune_rows, features, levels),
        features,
        levels,
        label=tune_rows["label"].to_numpy(),
        weight=fit_weights(row_weights(tune_rows)),
        nthread=threads,
    )
    began = time.monotonic()
    tried: dict[int, Hyperparameters] = {}
    losses: dict[int, np.ndarray] = {}
    label = tune_rows["label"].to_numpy(dtype=np.float64)

    def objective(trial: optuna.Trial) -> float:
        chosen = _suggest(trial)
        tried[trial.number] = chosen
        watch = _Watch(trial, began + settings.timeout_seconds)
        booster = xgb.train(
            booster_parameters(chosen, features, outcome, seed, threads, monotone),
            known,
            num_boost_round=settings.max_trees,
            evals=[(later, "tune")],
            early_stopping_rounds=settings.early_stopping_trees,
            verbose_eval=False,
            callbacks=[watch],
        )
        if watch.late:
            trial.set_user_attr("late", True)
            trial.study.stop()
            raise optuna.TrialPruned
        if watch.pruned:
            raise optuna.TrialPruned
        trees = booster.best_iteration + 1
        trial.set_user_attr("trees", trees)
        losses[trial.number] = outcome.row_loss(label, booster.predict(later, iteration_range=(0, trees)))
        return float(booster.best_score)

    study = _study(start, settings, seed)
    study.optimize(objective, n_trials=settings.trials)
    trials = [_read(trial, tried) for trial in study.trials]
    aborted = any(trial.state == "aborted" for trial in trials)
    if aborted:
        log.warning("tuning was ended after %s s with %s trials", settings.timeout_seconds, len(trials))
    best = choose(trials, losses, tune_rows["customer_id"].to_numpy(dtype=str), row_weights(tune_rows))
    if best is None:
        return Tuned(start, tuple(trials), aborted)
    marked = tuple(Trial(**{**vars(trial), "chosen": trial.trial == best.trial}) for trial in trials)
    return Tuned({**best.parameters, "n_estimators": best.trees or 1}, marked, aborted)


def _study(start: Hyperparameters, settings: Tuning, seed: int) -> optuna.Study:
    """Return a study whose first trial is `start`."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it prints every trial, and models.tuning_trials has them
    # Pruning looks at the loss after so many trees: the rate of learning decides how many those are worth, so no trial is
    # pruned before a third of its trees.
    pruner = optuna.pruners.MedianPruner(
        n_startup_trials=STARTUP_TRIALS, n_warmup_steps=settings.max_trees // 3, interval_steps=REPORT_EVERY
    )
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS), pruner=pruner
    )
    study.enqueue_trial({name: start[name] for name in SPACE if name in start}, skip_if_exists=True)
    return study


def choose(
    trials: list[Trial], losses: Mapping[int, np.ndarray], customers: np.ndarray, weight: np.ndarray | None = None
) -> Trial | None:
    """Return the trial to fit by, None when none is complete.

    Trial 0 stays unless the trial with the least loss is surely better: the mean of the paired differences is above 0 by its
    standard error times the normal quantile of one in 40, shared among so many trials (Bonferroni). Of the trials that are surely
    better and no surely worse than the best, the one that explains fastest takes its place. Differences have their own scale, so nothing
    depends on the unit of the label.

    Parameters
    ----------
    losses : mapping
        The loss of each of the later rows, shape (n,), by the number of a complete trial.
    customers, weight : arrays of shape (n,)
        Whose rows they are, and how many each stands for.
    """
    complete = [trial for trial in trials if trial.loss is not None and trial.trial in losses]
    if not complete:
        return None
    quantile = float(norm.ppf(1 - LUCK / max(len(complete) - 1, 1)))

    def surely_better(one: Trial, other: Trial) -> bool:
        gain, error = metrics.mean_and_error(losses[other.trial] - losses[one.trial], customers, weight)
        return gain > quantile * error

    best = min(complete, key=lambda trial: (trial.loss or 0.0, trial.trial))
    first = complete[0] if complete[0].trial == 0 else None
    if first and not surely_better(best, first):
        return first
    equal = [
        trial for trial in complete if not surely_better(best, trial) and (first is None or surely_better(trial, first))
    ]
    return min(equal, key=lambda trial: (explain_cost(trial), trial.trial))


def explain_cost(trial: Trial) -> float:
    """Return how long exact contributions take, up to a factor: trees times leaves times squared depth.

    S. Lundberg et al., From local explanations to global understanding with explainable AI for trees, 2020, Table 1.
    """
    depth = int(trial.parameters["max_depth"])
    return float((trial.trees or 0) * 2**depth * depth**2)


SPACE = (
    "max_depth",
    "learning_rate",
    "min_child_weight",
    "subsample",
    "colsample_bytree",
    "reg_lambda",
)


def _suggest(trial: optuna.Trial) -> Hyperparameters:
    return {
        "max_depth": trial.suggest_int("max_depth", 2, 6),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
        "min_child_weight": trial.suggest_float("min_child_weight", 1, 200, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.2, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.1, 100, log=True),
    }


class _Watch(xgb.callback.TrainingCallback):
    """Ends a fit that Optuna prunes or that the study has no time left for."""

    def __init__(self, trial: optuna.Trial, until: float) -> None:
        super().__init__()
        self._trial = trial
        self._until = until
        self.pruned = False
        self.late = False

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Return whether to stop after this tree."""
        if time.monotonic() > self._until:
            self.late = True
        if (epoch + 1) % REPORT_EVERY == 0:
            (losses,) = evals_log["tune"].values()
            self._trial.report(losses[-1], epoch + 1)
            self.pruned = self._trial.should_prune()
        return self.late or self.pruned


def _read(trial: optuna.trial.FrozenTrial, tried: Mapping[int, Hyperparameters]) -> Trial:
    complete = trial.state == optuna.trial.TrialState.COMPLETE
    state = (
        "aborted"
        if trial.user_attrs.get("late")
        else {"FAIL": "failed"}.get(trial.state.name, trial.state.name.lower())
    )
    return Trial(
        trial=trial.number,
        state=state,
        parameters=tried.get(trial.number, {}),
        loss=trial.value if complete and trial.value is not None and np.isfinite(trial.value) else None,
        trees=trial.user_attrs.get("trees"),
    )
