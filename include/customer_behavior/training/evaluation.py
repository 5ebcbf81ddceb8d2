"""A model beside its baselines on the report rows, which nobody has fitted or calibrated on."""

from typing import Any

import numpy as np
import pandas as pd

from customer_behavior.training import metrics

MODEL = "model"
TENTHS = 10


def evaluate(
    label: np.ndarray,
    probabilities: dict[str, np.ndarray],
    customers: np.ndarray,
    samples: int,
    seed: int,
    weight: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """Return one row of numbers per contender, columns as in models.evaluations; `probabilities` has the key "model".

    Intervals are the 2.5 and 97.5 percentiles of `samples` bootstrap draws of customers; the gain over a baseline is
    taken draw by draw, on the same customers for both. All numbers but `n` are those of the rows that these stand for.
    """
    drawn = metrics.bootstrap_aucs(label, probabilities, customers, samples, seed, weight)
    return [
        {
            "contender": name,
            "n": len(label),
            "base_rate": metrics.mean(label, weight),
            "auc": metrics.auc(label, probability, weight),
            "auc_low": _percentile(drawn[name], 2.5),
            "auc_high": _percentile(drawn[name], 97.5),
            "auc_gain_low": None if name == MODEL else _percentile(drawn[MODEL] - drawn[name], 2.5),
            "pr_auc": metrics.average_precision(label, probability, weight),
            "brier": metrics.brier(label, probability, weight),
            "log_loss": metrics.log_loss(label, probability, weight),
            "ece": metrics.calibration_error(label, probability, weight),
            "lift10": metrics.lift_at_tenth(label, probability, weight),
        }
        for name, probability in probabilities.items()
    ]


def gain_table(label: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None) -> pd.DataFrame:
    """Return one row per tenth of the rows, best first, columns as in models.gain_table; empty without a positive.

    A tenth holds a tenth of the weight; `n` counts the rows that were read.
    """
    if not label.any():
        return pd.DataFrame()
    w = np.ones(len(label)) if weight is None else np.asarray(weight, dtype=np.float64)
    order = np.argsort(-probability, kind="stable")
    before = np.cumsum(w[order]) - w[order]
    tenth = np.empty(len(label), dtype=int)
    tenth[order] = np.minimum(before * TENTHS // w.sum(), TENTHS - 1) + 1
    rows = pd.DataFrame({"decile": tenth, "weight": w, "predicted": w * probability, "hits": w * label})
    sums = rows.groupby("decile").sum()
    table = pd.DataFrame({"n": rows.groupby("decile").size()})
    table["mean_predicted"] = sums["predicted"] / sums["weight"]
    table["realised"] = sums["hits"] / sums["weight"]
    table["cumulative_gain"] = sums["hits"].cumsum() / sums["hits"].sum()
    table["lift"] = table["realised"] / metrics.mean(label, weight)
    return table.reset_index()


def _percentile(values: np.ndarray, percent: float) -> float:
    """Return a percentile of the draws that had both classes, NaN when none had."""
    known = values[~np.isnan(values)]
    return float(np.percentile(known, percent)) if known.size else float("nan")
