"""A model's card: what it was made of, in words and numbers that its files and its report keep."""

from collections.abc import Collection
from datetime import date
from importlib.metadata import version
from typing import Any

import pandas as pd

from customer_behavior.settings import Training
from customer_behavior.targets.cutoffs import Cutoffs
from customer_behavior.targets.dataset import Dataset
from customer_behavior.targets.sampling import row_weights, weighted_counts
from customer_behavior.training.question import Question
from customer_behavior.training.tuning import Tuned


def describe(
    data: Dataset,
    cutoffs: Cutoffs,
    question: Question,
    as_of: date,
    settings: Training,
    tuned: Tuned,
    left_out: Collection[str],
) -> dict[str, Any]:
    """Return a model's card: what it was made of, but for what was found to serve."""
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


def refit_on(every: pd.DataFrame) -> dict[str, Any]:
    """Return what the model that serves was fitted on: dates, rows and how many of them came true."""
    days = sorted(every["as_of_date"].unique()) if len(every) else []
    return {
        "dates": len(days),
        "first": str(days[0]) if days else None,
        "last": str(days[-1]) if days else None,
        "rows": len(every),
        "positives": int((every["label"] > 0).sum()),
    }
