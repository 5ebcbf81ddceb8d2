"""Rows to learn from with rows held out: by time, on a rolling origin, or by customer where there is too little time."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from customer_behavior.settings import Training
from customer_behavior.targets.cutoffs import Cutoffs
from customer_behavior.targets.dataset import Dataset
from customer_behavior.training.question import Question

CUSTOMER_FOLDS = 5


@dataclass(frozen=True)
class Fold:
    """Rows to learn from, and others to calibrate and compare on: both with `customer_id`, the features, `label`, `weight`."""

    learn: pd.DataFrame
    held_out: pd.DataFrame


def rolling_folds(data: Dataset, question: Question, settings: Training) -> list[Fold]:
    """Return the rows to learn from with the later ones to calibrate on, and before them the fit dates with the tune dates.

    Fit dates that would not be enough for a model of their own have no say in the calibration.
    """
    last = Fold(data.learn, data.calibration)
    enough = not data.tune.empty and too_few(data.fit, question, settings) is None
    return [Fold(data.fit, data.tune), last] if enough else [last]


def customer_folds(rows: pd.DataFrame, seed: int) -> list[Fold]:
    """Return the rows without each fifth of the customers, with that fifth; a customer's rows stay together.

    Parameters
    ----------
    rows : DataFrame
        With `customer_id`.
    """
    _, codes = np.unique(rows["customer_id"].to_numpy(dtype=str), return_inverse=True)
    fold = np.random.default_rng(seed).permutation(int(codes.max()) + 1)[codes] % CUSTOMER_FOLDS
    return [
        Fold(rows[fold != number].reset_index(drop=True), rows[fold == number].reset_index(drop=True))
        for number in range(CUSTOMER_FOLDS)
    ]


def too_little_time(data: Dataset, cutoffs: Cutoffs, question: Question, settings: Training) -> str | None:
    """Return why no procedure can be chosen and judged on parts that are apart in time, None when it can."""
    if not cutoffs.complete:
        return "the history is too young for separate dates to fit, calibrate and test"
    few = too_few(data.learn, question, settings)
    if few is not None:
        return few
    if data.fit.empty or data.fit["label"].nunique() < 2:
        return "the rows of the dates to fit have one outcome only"
    for name, part in (("calibration", data.calibration), ("test", data.test)):
        if part.empty:
            return f"there are no rows at the {name} dates"
    if data.calibration["label"].nunique() < 2:
        return "the rows of the dates to calibrate have one outcome only"
    return None


def held_out_customers(rows: pd.DataFrame, question: Question, settings: Training) -> list[Fold]:
    """Return the folds by customer; none where the rows, or the customers of an outcome, are too few to hold some of them out."""
    if too_few(rows, question, settings) is not None:
        return []
    folds = customer_folds(rows, settings.seed)
    enough = all(fold.learn["label"].nunique() > 1 and len(fold.held_out) for fold in folds)
    return folds if enough else []


def too_few(rows: pd.DataFrame, question: Question, settings: Training) -> str | None:
    """Return why these rows are too few to learn from, None when they are enough."""
    count, positives = len(rows), int((rows["label"] > 0).sum())
    if count < settings.minimum_rows:
        return f"{count} rows to fit, fewer than minimum_rows {settings.minimum_rows}"
    rarer = min(positives, count - positives) if question.kind == "probability" else positives
    if rarer < settings.minimum_positives:
        return f"{rarer} rows of the rarer outcome to fit, fewer than minimum_positives {settings.minimum_positives}"
    return None
