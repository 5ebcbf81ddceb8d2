"""Champion against challenger: on which rows, and what the gate says."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from customer_behavior.errors import CheckFailedError
from customer_behavior.evaluation.evaluation import MODEL
from customer_behavior.evaluation.gate_segments import segment_masks
from customer_behavior.models import Model
from customer_behavior.models.promotions import Champion
from customer_behavior.settings import Training
from customer_behavior.targets.sampling import row_weights
from customer_behavior.training.contenders import BLEND, TREES, Recipe, fit_contenders
from customer_behavior.training.core import Trained
from customer_behavior.training.folds import rolling_folds
from customer_behavior.training.gate import Decision, Judged, decide, surely_better
from customer_behavior.training.procedures import WarmStart

TREE_KINDS = (TREES, BLEND)
"""The contenders that are fitted with the tuned hyperparameters."""
LEARNT_FROM = ("fit", "gap", "tune", "calibration_gap", "calibration")


def warm_start_of(model: Model) -> WarmStart:
    """Return where a training starts from whose champion is `model`."""
    card = model.card
    contender = card.get("served", TREES)
    return WarmStart(contender=contender, hyperparameters=card.get("parameters", {}) if contender in TREE_KINDS else {})


def last_label_end(model: Model) -> date | None:
    """Return the day before which every label ended that the model has learnt from; None when it has learnt nothing."""
    horizon = timedelta(days=int(model.card.get("horizon_days", 0)))
    if "refit" in model.card:
        days = [model.card["refit"]["last"]] if model.card["refit"]["last"] else []
    else:
        days = [day for part in LEARNT_FROM for day in model.card.get("cutoffs", {}).get(part, [])]
    return max(map(date.fromisoformat, days)) + horizon if days else None


def against_champion(trained: Trained, champion: Champion, settings: Training) -> Decision:
    """Return whether the challenger takes over.

    Procedures are compared: what serves was fitted on every date, and knows the outcomes of all rows there are. So both are
    taken as they were judged, on test rows at or after the end of the last label that either fit has learnt from. Where there
    are none, the champion's procedure stands in, fitted and calibrated anew as the challenger's was.
    """
    rows, old = trained.backtest.rows, champion.judged or champion.model
    assert old is not None
    ends = [end for end in (last_label_end(old), last_label_end(trained.judged or trained.model)) if end is not None]
    new_to_both = np.array(
        [not ends or day >= max(ends) for day in rows["as_of_date"]] if len(rows) else [], dtype=bool
    )
    said = trained.backtest.predictions.get(MODEL, np.empty(0))
    try:
        if new_to_both.any() or not len(rows):
            shown = f"the champion {champion.model_id}"
            rows, said = rows[new_to_both], said[new_to_both]
            theirs = old.predict(rows) if len(rows) else np.empty(0)
        elif not trained.another_procedure(old):
            return Decision(
                True, f"the champion {champion.model_id}'s procedure, fitted on newer days; no row is new to both"
            )
        else:
            shown = f"the champion {champion.model_id}'s procedure, fitted on the same days,"
            theirs = stand_in(trained, old, settings)
    except CheckFailedError as error:
        return Decision(True, f"the champion cannot score: {error}")
    return decide(
        _judged(rows),
        said,
        theirs,
        shown,
        trained.question.outcome,
        surely=trained.model.card.get("confidence") == "low" != old.card.get("confidence"),
        settings=settings.gate,
        samples=settings.bootstrap_samples,
        seed=settings.seed,
    )


def against_kept(searched: Trained, kept: Trained, settings: Training) -> Decision:
    """Return whether what a search found is surely better than the champion's procedure on the test rows of both."""
    return surely_better(
        _judged(searched.backtest.rows),
        searched.backtest.predictions.get(MODEL, np.empty(0)),
        kept.backtest.predictions.get(MODEL, np.empty(0)),
        searched.question.outcome,
        samples=settings.bootstrap_samples,
        seed=settings.seed,
    )


def stand_in(trained: Trained, champion: Model, settings: Training) -> np.ndarray:
    """Return what the champion's procedure says of the backtest's rows, fitted and calibrated as the challenger's was.

    Raises
    ------
    CheckFailedError
        When a column that it reads is gone, or it cannot be fitted on these days.
    """
    before, backtest, test = warm_start_of(champion), trained.backtest, trained.data.test
    held_out_customers = trained.judged is None
    if before.contender in backtest.predictions and (before.contender not in TREE_KINDS or held_out_customers):
        return backtest.predictions[before.contender]
    if before.contender not in TREE_KINDS or not trained.contenders:
        raise CheckFailedError(f"its procedure {before.contender} cannot be fitted on these days")
    gone = [column for column in champion.features if column not in trained.data.learn]
    if gone:
        raise CheckFailedError(f"column {', '.join(gone)} that it reads is gone")
    recipe = Recipe(
        champion.features,
        trained.question.outcome,
        before.hyperparameters,
        settings.seed,
        threads=1,
        monotone=champion.card.get("monotone", {}),
    )
    folds = rolling_folds(trained.data, trained.question, settings)
    fitted = fit_contenders(recipe, folds, trained.data.before_test, names=(before.contender,))
    return fitted[before.contender].model.predict(test)


def _judged(rows: pd.DataFrame) -> Judged:
    return Judged(
        label=rows["label"].to_numpy(dtype=np.float64),
        customers=rows["customer_id"].to_numpy(dtype=str),
        weight=row_weights(rows) if len(rows) else None,
        segments=segment_masks(rows),
    )
