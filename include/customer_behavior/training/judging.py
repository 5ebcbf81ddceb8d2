"""Champion against challenger: on which rows, and what the gate says."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from customer_behavior.errors import CheckFailedError
from customer_behavior.evaluation.gate_segments import segment_masks
from customer_behavior.models import Model
from customer_behavior.settings import Training
from customer_behavior.targets.sampling import row_weights
from customer_behavior.training.contenders import BLEND, TREES, fit_contenders
from customer_behavior.training.core import Trained, WarmStart, calibration_folds
from customer_behavior.training.gate import Decision, Judged, decide, surely_better

TREE_KINDS = (TREES, BLEND)
"""The contenders that are fitted with the tuned hyperparameters."""
LEARNT_FROM = ("fit", "gap", "tune", "calibration")


def warm_start_of(model: Model) -> WarmStart:
    """Return where a training starts from whose champion is `model`."""
    card = model.card
    contender = card.get("served", TREES)
    return WarmStart(contender=contender, hyperparameters=card.get("parameters", {}) if contender in TREE_KINDS else {})


def last_label_end(model: Model) -> date | None:
    """Return the day before which every label ended that the model has learnt from; None when it has learnt nothing."""
    cutoffs, horizon = model.card.get("cutoffs", {}), timedelta(days=int(model.card.get("horizon_days", 0)))
    days = [date.fromisoformat(day) for part in LEARNT_FROM for day in cutoffs.get(part, [])]
    return max(days) + horizon if days else None


def against_champion(trained: Trained, champion: Model, name: str, settings: Training) -> Decision:
    """Return whether the challenger takes over.

    Both are judged on test rows at or after the end of the last label that either has learnt from. Where there are none,
    the champion knows those outcomes: its procedure, fitted and calibrated anew on the challenger's own days, stands in.
    """
    test = trained.data.test
    ends = [end for end in (last_label_end(champion), last_label_end(trained.model)) if end is not None]
    later = test[[day >= max(ends) for day in test["as_of_date"]]] if ends and len(test) else test
    try:
        if len(later) or not len(test):
            rows, shown = later, f"the champion {name}"
            old = champion.predict(rows) if len(rows) else np.empty(0)
        elif not trained.another_procedure(champion):
            return Decision(True, f"the champion {name}'s procedure, fitted on newer days; no row is new to both")
        else:
            rows, shown = test, f"the champion {name}'s procedure, fitted on the same days,"
            old = refitted(trained, champion, settings).predict(rows)
    except CheckFailedError as error:
        return Decision(True, f"the champion cannot score: {error}")
    return decide(
        _judged(rows),
        trained.model.predict(rows) if len(rows) else np.empty(0),
        old,
        shown,
        trained.question.outcome,
        surely=trained.model.card.get("confidence") == "low" != champion.card.get("confidence"),
        settings=settings.gate,
        samples=settings.bootstrap_samples,
        seed=settings.seed,
    )


def against_kept(searched: Trained, kept: Trained, settings: Training) -> Decision:
    """Return whether what a search found is surely better than the champion's procedure on the test rows of both."""
    test = searched.data.test
    return surely_better(
        _judged(test),
        searched.model.predict(test) if len(test) else np.empty(0),
        kept.model.predict(test) if len(test) else np.empty(0),
        searched.question.outcome,
        samples=settings.bootstrap_samples,
        seed=settings.seed,
    )


def refitted(trained: Trained, champion: Model, settings: Training) -> Model:
    """Return what the champion's procedure gives as of the challenger's days; CheckFailedError when a column it reads is gone."""
    before = warm_start_of(champion)
    if before.contender not in TREE_KINDS and before.contender in trained.contenders:
        return trained.contenders[before.contender]
    if before.contender not in TREE_KINDS or not trained.contenders:
        raise CheckFailedError(f"its procedure {before.contender} cannot be fitted on these days")
    gone = [column for column in champion.features if column not in trained.data.learn]
    if gone:
        raise CheckFailedError(f"column {', '.join(gone)} that it reads is gone")
    contenders = fit_contenders(
        calibration_folds(trained.data, trained.question, settings),
        champion.features,
        trained.question.outcome,
        before.hyperparameters,
        settings.seed,
        threads=1,
        monotone=champion.card.get("monotone", {}),
        names=(before.contender,),
    )
    return contenders[before.contender].model


def _judged(rows: pd.DataFrame) -> Judged:
    return Judged(
        label=rows["label"].to_numpy(dtype=np.float64),
        customers=rows["customer_id"].to_numpy(dtype=str),
        weight=row_weights(rows) if len(rows) else None,
        segments=segment_masks(rows),
    )
