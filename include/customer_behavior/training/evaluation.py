"""A model beside its baselines on the report rows, which nobody has fitted or calibrated on."""

from typing import Any

import numpy as np
import pandas as pd

from customer_behavior.training import metrics

MODEL = "model"
TENTHS = 10


def evaluate(
    label: np.ndarray, probabilities: dict[str, np.ndarray], customers: np.ndarray, samples: int, seed: int
) -> list[dict[str, Any]]:
    """Return one row of numbers per contender, columns as in models.evaluations; `probabilities` has the key "model".

    Intervals are the 2.5 and 97.5 percentiles of `samples` bootstrap draws of customers; the gain over a baseline is
    taken draw by draw, on the same customers for both.
    """
    drawn = metrics.bootstrap_aucs(label, probabilities, customers, samples, seed)
    return [
        {
            "contender": name,
            "n": len(label),
            "base_rate": float(label.mean()),
            "auc": metrics.auc(label, probability),
            "auc_low": _percentile(drawn[name], 2.5),
            "auc_high": _percentile(drawn[name], 97.5),
            "auc_gain_low": None if name == MODEL else _percentile(drawn[MODEL] - drawn[name], 2.5),
            "pr_auc": metrics.average_precision(label, probability),
            "brier": metrics.brier(label, probability),
            "log_loss": metrics.log_loss(label, probability),
            "ece": metrics.calibration_error(label, probability),
            "lift10": metrics.lift_at_tenth(label, probability),
        }
        for name, probability in probabilities.items()
    ]


def gain_table(label: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    """Return one row per tenth of the rows, best first, columns as in models.gain_table; empty without a positive."""
    if not label.any():
        return pd.DataFrame()
    order = np.argsort(-probability, kind="stable")
    tenth = np.empty(len(label), dtype=int)
    tenth[order] = np.arange(len(label)) * TENTHS // len(label) + 1
    rows = pd.DataFrame({"decile": tenth, "label": label.astype(float), "probability": probability})
    table = rows.groupby("decile").agg(
        n=("label", "size"), mean_predicted=("probability", "mean"), realised=("label", "mean"), hits=("label", "sum")
    )
    table["cumulative_gain"] = table["hits"].cumsum() / label.sum()
    table["lift"] = table["realised"] / label.mean()
    return table.drop(columns="hits").reset_index()


def _percentile(values: np.ndarray, percent: float) -> float:
    """Return a percentile of the draws that had both classes, NaN when none had."""
    known = values[~np.isnan(values)]
    return float(np.percentile(known, percent)) if known.size else float("nan")
