"""From labelled rows to a calibrated model beside what it has to beat. No database here: any frame with a label will do."""

import logging
import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from customer_behavior.data_quality.leakage import find_leaks
from customer_behavior.data_quality.usability import Finding, inspect
from customer_behavior.evaluation.evaluation import MODEL, evaluate, gain_table
from customer_behavior.evaluation.thresholds import thresholds
from customer_behavior.models import Model
from customer_behavior.models.registry import Registration
from customer_behavior.settings import TargetKey, Training
from customer_behavior.targets.cutoffs import Cutoffs
from customer_behavior.targets.dataset import Dataset
from customer_behavior.targets.frame_contract import require_contract
from customer_behavior.targets.outcome import Outcome
from customer_behavior.targets.sampling import row_weights
from customer_behavior.training.card import describe, refit_on
from customer_behavior.training.contenders import BLEND, TREES, Contender, Recipe
from customer_behavior.training.folds import Fold, held_out_customers, rolling_folds, too_little_time
from customer_behavior.training.procedures import (
    Backtest,
    Fitted,
    WarmStart,
    choose_contender,
    fit_by_customers,
    fit_by_time,
    fit_fallback,
)
from customer_behavior.training.question import Question
from customer_behavior.training.tuning import Hyperparameters, Tuned, tune

log = logging.getLogger(__name__)

DECIMALS = 9


@dataclass(frozen=True)
class Trained:
    """A model with what it was made from and how its procedure did.

    Attributes
    ----------
    model
        what serves: the procedure fitted on every date
    judged
        the same procedure fitted on what was known on the first test date, of which all figures are; None where customers were
        held out instead
    contender
        name of the contender that the model is, or of the fallback
    contenders
        as they were judged
    served
        the contenders that were fitted on every date, by name
    """

    question: Question
    cutoffs: Cutoffs
    data: Dataset
    model: Model
    judged: Model | None
    contender: str
    contenders: dict[str, Model]
    served: dict[str, Model]
    backtest: Backtest
    evaluations: list[dict[str, Any]]
    gains: pd.DataFrame
    thresholds: list[dict[str, Any]]
    findings: list[Finding]
    tuned: Tuned
    duration_seconds: float

    @property
    def key(self) -> TargetKey:
        """Target and horizon."""
        return self.question.key

    def registration(self) -> Registration:
        """Return what the registry keeps of this training."""
        return Registration(
            key=self.key,
            model=self.model,
            judged=self.judged,
            cutoffs=self.cutoffs,
            strata=self.data.strata(),
            evaluations=self.evaluations,
            gains=self.gains,
            thresholds=self.thresholds,
            findings=[vars(finding) for finding in self.findings],
            trials=[vars(trial) for trial in self.tuned.trials],
        )

    def another_procedure(self, champion: Model) -> bool:
        """Return whether the champion has other hyperparameters, or is of another kind: not whether it knows other days or columns."""
        ours, theirs = self.model.card, champion.card
        return any(ours.get(part) != theirs.get(part) for part in ("served", "space"))


def train(
    data: Dataset,
    cutoffs: Cutoffs,
    question: Question,
    as_of: date,
    settings: Training,
    *,
    champion: WarmStart | None = None,
    keep: Tuned | None = None,
    findings: Sequence[Finding] = (),
    also: Collection[str] = (),
    hold_out_customers: bool = True,
) -> Trained:
    """Return the best calibrated model of these rows, and what it was compared with.

    Columns that give the outcome away are left out, with a finding. The split by time chooses and judges a procedure: trees are
    tuned, and calibrated beside the baselines; see `choose_contender` for which of them serves. With `keep` nothing is
    searched: the champion's hyperparameters and kind of model are fitted. What serves is the procedure fitted anew on
    every date. A history too young for such a split is judged on customers held out, with medium confidence. Too few rows, or
    rows that cannot be used, are served by classes of recency and frequency, with low confidence and the reason.

    Parameters
    ----------
    champion : WarmStart, optional
        Where the search starts, or what is kept.
    keep : Tuned, optional
        A search whose result is not taken, for the record; an empty one where none was made.
    findings : sequence of Finding
        What is known of the rows' origin, to stand beside what is found in them.
    also : collection of str
        Contenders that are fitted on every date beside the one that serves.
    hold_out_customers : bool
        False where rows of the same time may not be held against each other.

    Raises
    ------
    CheckFailedError
        When the rows do not keep to `customer_behavior.targets.frame_contract`; the message names column, row and remedy.
    """
    began = time.monotonic()
    require_contract(data.parts(), question.features, question.kind)
    every = data.every
    young = too_little_time(data, cutoffs, question, settings)
    by_customers = held_out_customers(every, question, settings) if young is not None and hold_out_customers else []
    parts = {"fit": every} if by_customers else data.parts()
    found = [*findings, *inspect_parts(parts, question, settings)]
    asked = by_customers[0] if by_customers else Fold(data.fit, data.calibration)
    leaks = _leaks(asked, question) if by_customers or cutoffs.complete else []
    found += leaks
    gone = {leak.details["column"] for leak in leaks if leak.severity == "blocking"}
    question = replace(question, features=tuple(name for name in question.features if name not in gone))
    blocking = next((finding for finding in found if finding.severity == "blocking" and finding not in leaks), None)
    why = None if by_customers else young
    why = why or (blocking.statement if blocking else None)
    why = why or (None if question.features else "no column is left to learn from")
    start = champion.hyperparameters if champion and champion.hyperparameters else settings.xgboost
    tuned, fitted = Tuned({}), None
    if why is None:
        threads = os.cpu_count() or 1
        tuned = Tuned(start)
        if keep:
            tuned = keep.rejected_for(start)
        elif not by_customers:
            tuned = _tuned(data, question, start, settings, threads)
        recipe = Recipe(
            question.features, question.outcome, tuned.hyperparameters, settings.seed, threads, question.monotone
        )

        def choose(contenders: Mapping[str, Contender], rows: pd.DataFrame) -> str:
            if keep and champion and champion.contender in contenders:
                return champion.contender
            return choose_contender(contenders, rows, question.outcome, champion, settings)

        if by_customers:
            fitted = fit_by_customers(recipe, every, by_customers, choose)
        else:
            folds = rolling_folds(data, question, settings)
            fitted = fit_by_time(recipe, data, every, folds, choose, also)
        if fitted is None:
            why = "the trees rank the rows held out no better than chance"
    card = describe(data, cutoffs, question, as_of, settings, tuned, gone)
    if fitted is None:
        assert why is not None
        log.warning("%s as of %s is served by a fallback: %s", question.key, as_of, why)
        fitted = fit_fallback(data, every, question)
        card |= {"confidence": "low", "why": why, "space": {}}
    else:
        space = _space(tuned.hyperparameters) if fitted.contender in (TREES, BLEND) else {}
        card |= {"confidence": "normal", "space": space}
        if by_customers:
            card |= {"confidence": "medium", "why": f"{young}: judged on customers held out, of the same dates"}
    card["served"] = fitted.contender
    evaluations, gains, rules = _evaluate(fitted, question.outcome, settings)
    return Trained(
        question=question,
        cutoffs=cutoffs,
        data=data,
        model=with_card(fitted.served[fitted.contender], {**card, "refit": refit_on(every)}),
        judged=with_card(fitted.judged, card) if fitted.judged else None,
        contender=fitted.contender,
        contenders=fitted.contenders,
        served=fitted.served,
        backtest=fitted.backtest,
        evaluations=evaluations,
        gains=gains,
        thresholds=rules,
        findings=found,
        tuned=tuned,
        duration_seconds=time.monotonic() - began,
    )


def inspect_parts(parts: Mapping[str, pd.DataFrame], question: Question, settings: Training) -> list[Finding]:
    """Return what is wrong with the rows, or worth knowing, the weightiest first."""
    return inspect(
        parts,
        question.features,
        question.catalogue,
        kind=question.kind,
        minimum_rows=settings.minimum_rows,
        minimum_positives=settings.minimum_positives,
        entity=question.unique_by,
    )


def _leaks(fold: Fold, question: Question) -> list[Finding]:
    """Return the columns that know the outcome. Customers' rows are also compared with the window before their date."""
    of_customers = question.unique_by == "customer_id"
    return find_leaks(
        fold.learn,
        fold.held_out,
        question.features,
        kind=question.kind,
        horizon_days=question.key.horizon_days if of_customers else None,
    )


def with_card(model: Model, card: dict[str, Any]) -> Model:
    """Return the model with what it was made of."""
    return replace(model, card=card)  # type: ignore[type-var]  # every kind is a dataclass


def _tuned(data: Dataset, question: Question, start: Hyperparameters, settings: Training, threads: int) -> Tuned:
    """Return the hyperparameters to fit with: those of the start where there are no dates to tune on, or none that differ."""
    if data.tune.empty or data.tune["label"].nunique() < 2 or settings.tuning.trials == 0:
        return Tuned(start)
    return tune(
        _at_most(data.fit, settings.tuning.max_rows, settings.seed),
        data.tune,
        question.features,
        question.outcome,
        start,
        settings.tuning,
        settings.seed,
        threads,
        question.monotone,
    )


def _at_most(rows: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Return the rows, or so many of them, drawn without regard to anything: hyperparameters are compared, not fitted to serve."""
    return rows if len(rows) <= count else rows.sample(count, random_state=seed).sort_index()


def _space(hyperparameters: Hyperparameters) -> Hyperparameters:
    """Return what makes hyperparameters other ones; the number of trees follows from the data."""
    return {name: round(value, DECIMALS) for name, value in hyperparameters.items() if name != "n_estimators"}


def _evaluate(
    fitted: Fitted, outcome: Outcome, settings: Training
) -> tuple[list[dict[str, Any]], pd.DataFrame, list[dict[str, Any]]]:
    """Return the numbers of the model and its contenders as they were judged, the model's gain table, and thresholds."""
    rows, predictions = fitted.backtest.rows, fitted.backtest.predictions
    if rows.empty:
        return [], pd.DataFrame(), []
    label = rows["label"].to_numpy(dtype=np.float64)
    weight = row_weights(rows)
    evaluations = evaluate(
        label,
        predictions,
        outcome,
        rows["customer_id"].to_numpy(dtype=str),
        settings.bootstrap_samples,
        settings.seed,
        weight,
        fitted.contender,
    )
    rules = []
    if outcome.kind == "probability":
        contact = settings.contact
        rules = thresholds(label, predictions[MODEL], contact.cost, contact.sale_value, weight)
    return evaluations, gain_table(label, predictions[MODEL], weight), rules
