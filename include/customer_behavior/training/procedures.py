"""From a recipe to what serves: contenders are compared and judged, and the chosen one is fitted anew on every date."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customer_behavior.evaluation import metrics
from customer_behavior.evaluation.evaluation import MODEL
from customer_behavior.models import BoostedTrees, Model, fit_rfm
from customer_behavior.settings import Training
from customer_behavior.targets.dataset import Dataset
from customer_behavior.targets.outcome import Outcome
from customer_behavior.targets.sampling import row_weights
from customer_behavior.training.contenders import BLEND, TREES, Contender, Recipe, fit_contenders
from customer_behavior.training.folds import Fold
from customer_behavior.training.question import Question
from customer_behavior.training.tuning import Hyperparameters


@dataclass(frozen=True)
class WarmStart:
    """What the last model was made by, and where a new training starts from."""

    contender: str
    hyperparameters: Hyperparameters


@dataclass(frozen=True)
class Backtest:
    """What was said of rows whose outcome was not known yet, or of customers held out, before it was compared with it.

    Attributes
    ----------
    predictions
        arrays of shape (rows,) by contender; "model" is the one that serves, as it was judged
    """

    rows: pd.DataFrame
    predictions: dict[str, np.ndarray]


@dataclass(frozen=True)
class Fitted:
    """The contenders as they were judged, those of them that were fitted on every date, and which one serves."""

    contender: str
    contenders: dict[str, Model]
    judged: Model | None
    served: dict[str, Model]
    backtest: Backtest


Choose = Callable[[Mapping[str, Contender], pd.DataFrame], str]
"""From contenders and the rows that they are compared on to the name of the one that serves."""


def fit_by_time(
    recipe: Recipe, data: Dataset, every: pd.DataFrame, folds: Sequence[Fold], choose: Choose, also: Collection[str]
) -> Fitted | None:
    """Return the contenders judged on the test dates, and the chosen one on every date; None where the trees do not rank.

    Parameters
    ----------
    folds : sequence of Fold
        As `rolling_folds` returns them, up to the calibration dates.
    also : collection of str
        Contenders that are fitted on every date beside the chosen one.
    """
    before_test = data.before_test
    contenders = fit_contenders(recipe, folds, before_test)
    if not _ranks(contenders[TREES].model):
        return None
    chosen = choose(contenders, data.calibration)
    served = fit_contenders(recipe, [*folds, Fold(before_test, data.test)], every, names=(chosen, *also))
    models = {name: contender.model for name, contender in contenders.items()}
    predictions = {name: model.predict(data.test) for name, model in models.items()}
    return Fitted(
        contender=chosen,
        contenders=models,
        judged=models[chosen],
        served={name: contender.model for name, contender in served.items()},
        backtest=Backtest(data.test, {MODEL: predictions[chosen], **predictions}),
    )


def fit_by_customers(recipe: Recipe, every: pd.DataFrame, folds: Sequence[Fold], choose: Choose) -> Fitted | None:
    """Return every contender on every date, judged on customers held out; None where the trees do not rank.

    Parameters
    ----------
    folds : sequence of Fold
        As `customer_folds` returns them.
    """
    rows = pd.concat([fold.held_out for fold in folds], ignore_index=True)
    contenders = fit_contenders(recipe, folds, every, by_customers=True)
    if not _ranks(contenders[TREES].model):
        return None
    chosen = choose(contenders, rows)
    models = {name: contender.model for name, contender in contenders.items()}
    predictions = {name: contender.held_out for name, contender in contenders.items()}
    return Fitted(chosen, models, None, models, Backtest(rows, {MODEL: predictions[chosen], **predictions}))


def fit_fallback(data: Dataset, every: pd.DataFrame, question: Question) -> Fitted:
    """Return classes of recency and frequency, judged on the test dates where there are any."""
    before_test = data.before_test
    judged = fit_rfm(before_test, kind=question.kind, monetary=None, card={})
    served = fit_rfm(every, kind=question.kind, monetary=None, card={})
    rows = data.test if len(before_test) else data.test.iloc[:0]
    predictions = {MODEL: judged.predict(rows)} if len(rows) else {}
    return Fitted("rfm", {}, judged, {"rfm": served}, Backtest(rows, predictions))


def choose_contender(
    contenders: Mapping[str, Contender],
    rows: pd.DataFrame,
    outcome: Outcome,
    champion: WarmStart | None,
    settings: Training,
) -> str:
    """Return the contender to serve, by its loss on the rows of `held_out`, whose customers its calibrator was not shown.

    The one that serves already (where none does: the better of the tuned trees and the blend) stays unless another one's gain
    is surely above 0: the lower end of the paired 95 % interval. Of several such, that with the least loss.
    """
    label = rows["label"].to_numpy(dtype=np.float64)
    weight, customers = row_weights(rows), rows["customer_id"].to_numpy(dtype=str)
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


def _ranks(model: Model) -> bool:
    """Return whether the trees' order held on the later rows."""
    return isinstance(model, BoostedTrees) and model.calibrator.slope > 0
