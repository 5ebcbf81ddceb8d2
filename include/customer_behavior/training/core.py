"""From labelled rows to a calibrated model beside what it has to beat. No database here: any frame with a label will do."""

import logging
import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from customer_behavior.data_quality.leakage import find_leaks
from customer_behavior.data_quality.usability import Finding, inspect
from customer_behavior.evaluation import metrics
from customer_behavior.evaluation.evaluation import MODEL, evaluate, gain_table
from customer_behavior.evaluation.thresholds import thresholds
from customer_behavior.models import BoostedTrees, Model, fit_rfm
from customer_behavior.models.registry import Registration
from customer_behavior.settings import TargetKey, Training
from customer_behavior.targets.cutoffs import Cutoffs
from customer_behavior.targets.dataset import Dataset
from customer_behavior.targets.frame_contract import require_contract
from customer_behavior.targets.outcome import Outcome
from customer_behavior.targets.sampling import row_weights, weighted_counts
from customer_behavior.training.contenders import BLEND, TREES, Contender, Fold, fit_contenders
from customer_behavior.training.question import Question
from customer_behavior.training.tuning import Hyperparameters, Tuned, tune

log = logging.getLogger(__name__)

DECIMALS = 9


@dataclass(frozen=True)
class WarmStart:
    """What the last model was made by, and where a new training starts from."""

    contender: str
    hyperparameters: Hyperparameters


@dataclass(frozen=True)
class Trained:
    """A model with what it was made from and how it did."""

    question: Question
    cutoffs: Cutoffs
    data: Dataset
    model: Model
    contender: str
    """Name of the contender that the model is, or of the fallback."""
    contenders: dict[str, Model]
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
) -> Trained:
    """Return the best calibrated model of these rows, and what it was compared with.

    Columns that give the outcome away are left out, with a finding. Trees are tuned, and calibrated beside the baselines;
    see `choose_contender` for which of them serves. With `keep` nothing is searched: the champion's hyperparameters and kind of
    model are fitted on these rows. Too few rows, or rows that cannot be used, are served by classes of
    recency and frequency, with low confidence and the reason.

    Parameters
    ----------
    champion : WarmStart, optional
        Where the search starts, or what is kept.
    keep : Tuned, optional
        A search whose result is not taken, for the record; an empty one where none was made.
    findings : sequence of Finding
        What is known of the rows' origin, to stand beside what is found in them.

    Raises
    ------
    CheckFailedError
        When the rows do not keep to `customer_behavior.targets.frame_contract`; the message names column, row and remedy.
    """
    began = time.monotonic()
    require_contract(data.parts(), question.features, question.kind)
    found = [*findings, *inspect_parts(data, question, settings)]
    leaks = _leaks(data, question) if cutoffs.complete else []
    found += leaks
    gone = {leak.details["column"] for leak in leaks if leak.severity == "blocking"}
    question = replace(question, features=tuple(name for name in question.features if name not in gone))
    blocking = next((finding for finding in found if finding.severity == "blocking" and finding not in leaks), None)
    tuned = Tuned({})
    contenders: dict[str, Contender] = {}
    why = _too_little(data, cutoffs, question, settings) or (blocking.statement if blocking else None)
    if why is None:
        threads = os.cpu_count() or 1
        start = champion.hyperparameters if champion and champion.hyperparameters else settings.xgboost
        tuned = keep.rejected_for(start) if keep else _tuned(data, question, start, settings, threads)
        contenders = fit_contenders(
            calibration_folds(data, question, settings),
            question.features,
            question.outcome,
            tuned.hyperparameters,
            settings.seed,
            threads,
            question.monotone,
        )
        if not _ranks(contenders[TREES].model):
            why = "the trees rank the later calibration rows no better than chance"
    card = _card(data, cutoffs, question, as_of, settings, tuned, gone)
    if why is None:
        contender = (
            champion.contender
            if keep and champion and champion.contender in contenders
            else choose_contender(contenders, data.calibration, question.outcome, champion, settings)
        )
        made = {
            "confidence": "normal",
            "served": contender,
            "space": _space(tuned.hyperparameters) if contender in (TREES, BLEND) else {},
        }
        model = with_card(contenders[contender].model, {**card, **made})
    else:
        contender = "rfm"
        log.warning("%s as of %s is served by a fallback: %s", question.key, as_of, why)
        low = {**card, "confidence": "low", "served": contender, "why": why, "space": {}}
        seen = [part for part in (data.learn, data.calibration) if len(part)]
        rows = pd.concat(seen, ignore_index=True) if seen else data.fit
        model = fit_rfm(rows, kind=question.kind, monetary=None, card=low)
    models = {name: contender.model for name, contender in contenders.items()}
    evaluations, gains, rules = _evaluate(model, models, contender, data.test, question.outcome, settings)
    return Trained(
        question=question,
        cutoffs=cutoffs,
        data=data,
        model=model,
        contender=contender,
        contenders=models,
        evaluations=evaluations,
        gains=gains,
        thresholds=rules,
        findings=found,
        tuned=tuned,
        duration_seconds=time.monotonic() - began,
    )


def inspect_parts(data: Dataset, question: Question, settings: Training) -> list[Finding]:
    """Return what is wrong with the rows, or worth knowing, the weightiest first."""
    return inspect(
        data.parts(),
        question.features,
        question.catalogue,
        kind=question.kind,
        minimum_rows=settings.minimum_rows,
        minimum_positives=settings.minimum_positives,
        entity=question.unique_by,
    )


def _leaks(data: Dataset, question: Question) -> list[Finding]:
    """Return the columns that know the outcome. Customers' rows are also compared with the window before their date."""
    by_customer = question.unique_by == "customer_id"
    return find_leaks(
        data.fit,
        data.calibration,
        question.features,
        kind=question.kind,
        horizon_days=question.key.horizon_days if by_customer else None,
    )


def calibration_folds(data: Dataset, question: Question, settings: Training) -> list[Fold]:
    """Return the rows to learn from with the later ones to calibrate on, and before them the fit dates with the tune dates.

    Fit dates that would not be enough for a model of their own have no say in the calibration.
    """
    last = Fold(data.learn, data.calibration)
    enough = not data.tune.empty and _too_few(data.fit, question, settings) is None
    return [Fold(data.fit, data.tune), last] if enough else [last]


def choose_contender(
    contenders: Mapping[str, Contender],
    calibration: pd.DataFrame,
    outcome: Outcome,
    champion: WarmStart | None,
    settings: Training,
) -> str:
    """Return the contender to serve, by its loss on calibration rows whose customers its calibrator was not shown.

    The one that serves already (where none does: the better of the tuned trees and the blend) stays unless another one's gain
    is surely above 0: the lower end of the paired 95 % interval. Of several such, that with the least loss.
    """
    label = calibration["label"].to_numpy(dtype=np.float64)
    weight, customers = row_weights(calibration), calibration["customer_id"].to_numpy(dtype=str)
    losses = {name: outcome.row_loss(label, contender.held_out) for name, contender in contenders.items()}
    means = {name: metrics.mean(loss, weight) for name, loss in losses.items()}
    first = min((TREES, BLEND), key=lambda name: means[name])
    serving = champion.contender if champion and champion.contender in contenders else first
    better = {}
    for name, loss in losses.items():
        if name == serving:
            continue
        draws = metrics.bootstrap_mean(
            losses[serving] - loss, customers, settings.bootstrap_samples, settings.seed, weight
        )
        if np.percentile(draws, 2.5) > 0:
            better[name] = means[name]
    return min(better, key=lambda name: better[name]) if better else serving


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


def _ranks(model: Model) -> bool:
    """Return whether the trees' order held on the later rows."""
    return isinstance(model, BoostedTrees) and model.calibrator.slope > 0


def _too_little(data: Dataset, cutoffs: Cutoffs, question: Question, settings: Training) -> str | None:
    """Return why no trees can be fitted, None when they can."""
    if not cutoffs.complete:
        return "the history is too young for separate dates to fit, calibrate and test"
    few = _too_few(data.learn, question, settings)
    if few is not None:
        return few
    if data.fit.empty or data.fit["label"].nunique() < 2:
        return "the rows of the dates to fit have one outcome only"
    for name, part in (("calibration", data.calibration), ("test", data.test)):
        if part.empty:
            return f"there are no rows at the {name} dates"
    if data.calibration["label"].nunique() < 2:
        return "the rows of the dates to calibrate have one outcome only"
    if not question.features:
        return "no column is left to learn from"
    return None


def _too_few(learn: pd.DataFrame, question: Question, settings: Training) -> str | None:
    """Return why these rows are too few to learn from, None when they are enough."""
    rows, positives = len(learn), int((learn["label"] > 0).sum())
    if rows < settings.minimum_rows:
        return f"{rows} rows to fit, fewer than minimum_rows {settings.minimum_rows}"
    rarer = min(positives, rows - positives) if question.kind == "probability" else positives
    if rarer < settings.minimum_positives:
        return f"{rarer} rows of the rarer outcome to fit, fewer than minimum_positives {settings.minimum_positives}"
    return None


def _space(hyperparameters: Hyperparameters) -> Hyperparameters:
    """Return what makes hyperparameters other ones; the number of trees follows from the data."""
    return {name: round(value, DECIMALS) for name, value in hyperparameters.items() if name != "n_estimators"}


def _card(
    data: Dataset,
    cutoffs: Cutoffs,
    question: Question,
    as_of: date,
    settings: Training,
    tuned: Tuned,
    left_out: Collection[str],
) -> dict[str, Any]:
    parts = data.parts()
    sampled = {name: part for name, part in parts.items() if len(part) and row_weights(part) is not None}
    described = {
        "target": question.key.target,
        "horizon_days": question.key.horizon_days,
        "outcome": question.kind,
        "trained_as_of": str(as_of),
        "columns": list(question.features),
        "left_out": sorted(left_out),
        "cutoffs": {name: [str(day) for day in days] for name, days in cutoffs.parts().items()},
        "rows": {name: len(part) for name, part in parts.items()},
        "positives": {name: int((part["label"] > 0).sum()) for name, part in parts.items()},
        "parameters": dict(tuned.hyperparameters),
        "monotone": dict(question.monotone),
        "tuning": {"trials": len(tuned.trials), "aborted": tuned.aborted},
        "seed": settings.seed,
        "libraries": {name: version(name) for name in ("numpy", "optuna", "scikit-learn", "xgboost")},
    }
    if sampled:  # not a word of it where all rows were read: a model's id is a hash of its card too
        counts = {name: weighted_counts(part) for name, part in sampled.items()}
        described["sampled_from"] = {
            name: {"rows": round(rows), "positives": round(positives)} for name, (rows, positives) in counts.items()
        }
    return described


def _evaluate(
    model: Model,
    contenders: Mapping[str, Model],
    contender: str,
    test: pd.DataFrame,
    outcome: Outcome,
    settings: Training,
) -> tuple[list[dict[str, Any]], pd.DataFrame, list[dict[str, Any]]]:
    """Return the numbers of the model and its contenders on the test rows, the model's gain table, and thresholds."""
    if test.empty:
        return [], pd.DataFrame(), []
    label = test["label"].to_numpy(dtype=np.float64)
    predictions = {MODEL: model.predict(test)}
    predictions |= {name: contender.predict(test) for name, contender in contenders.items()}
    weight = row_weights(test)
    evaluations = evaluate(
        label,
        predictions,
        outcome,
        test["customer_id"].to_numpy(dtype=str),
        settings.bootstrap_samples,
        settings.seed,
        weight,
        contender,
    )
    rules = []
    if outcome.kind == "probability":
        contact = settings.contact
        rules = thresholds(label, predictions[MODEL], contact.cost, contact.sale_value, weight)
    return evaluations, gain_table(label, predictions[MODEL], weight), rules
