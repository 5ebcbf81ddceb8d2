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
from customer_behavior.training.gate import Decision, Judged, decide

TREE_KINDS = (TREES, BLEND)
"""The contenders that are fitted by the tuned recipe."""
LEARNT_FROM = ("fit", "gap", "tune", "calibration")


def warm_start_of(model: Model) -> WarmStart:
    """Return where a training starts from whose champion is `model`."""
    recipe = model.recipe
    served = recipe.get("served", TREES)
    return WarmStart(served=served, recipe=recipe.get("parameters", {}) if served in TREE_KINDS else {})


def last_label_end(model: Model) -> date | None:
    """Return the day before which every label ended that the model has learnt from; None when it has learnt nothing."""
    cutoffs, horizon = model.recipe.get("cutoffs", {}), timedelta(days=int(model.recipe.get("horizon_days", 0)))
    days = [date.fromisoformat(day) for part in LEARNT_FROM for day in cutoffs.get(part, [])]
    return max(days) + horizon if days else None


def against_champion(trained: Trained, champion: Model, name: str, settings: Training) -> Decision:
    """Return whether the challenger takes over.

    Both are judged on report rows at or after the end of the last label that either has learnt from. Where there are none,
    the champion knows those outcomes: its recipe, fitted and calibrated anew on the challenger's own days, stands in.
    """
    report = trained.data.report
    ends = [end for end in (last_label_end(champion), last_label_end(trained.model)) if end is not None]
    later = report[[day >= max(ends) for day in report["as_of_date"]]] if ends and len(report) else report
    try:
        if len(later) or not len(report):
            rows, shown = later, f"the champion {name}"
            old = champion.predict(rows) if len(rows) else np.empty(0)
        else:
            rows, shown = report, f"the champion {name}'s recipe, fitted on the same days,"
            old = refitted(trained, champion, settings).predict(rows)
    except CheckFailedError as error:
        return Decision(True, f"the champion cannot score: {error}")
    return decide(
        _judged(rows),
        trained.model.predict(rows) if len(rows) else np.empty(0),
        old,
        shown,
        trained.question.outcome,
        changed_recipe=trained.recipe_changed(champion),
        settings=settings.gate,
        samples=settings.bootstrap_samples,
        seed=settings.seed,
    )


def refitted(trained: Trained, champion: Model, settings: Training) -> Model:
    """Return the champion's recipe as of the challenger's days; CheckFailedError when a column it reads is gone."""
    before = warm_start_of(champion)
    if before.served not in TREE_KINDS and before.served in trained.contenders:
        return trained.contenders[before.served]
    if before.served not in TREE_KINDS or not trained.contenders:
        raise CheckFailedError(f"its recipe {before.served} cannot be fitted on these days")
    gone = [column for column in champion.features if column not in trained.data.learn]
    if gone:
        raise CheckFailedError(f"column {', '.join(gone)} of its recipe is gone")
    contenders = fit_contenders(
        calibration_folds(trained.data, trained.question, settings),
        champion.features,
        trained.question.outcome,
        before.recipe,
        settings.seed,
        threads=1,
        monotone=champion.recipe.get("monotone", {}),
        names=(before.served,),
    )
    return contenders[before.served].model


def _judged(rows: pd.DataFrame) -> Judged:
    return Judged(
        label=rows["label"].to_numpy(dtype=np.float64),
        customers=rows["customer_id"].to_numpy(dtype=str),
        weight=row_weights(rows) if len(rows) else None,
        segments=segment_masks(rows),
    )
