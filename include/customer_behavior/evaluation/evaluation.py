"""Contenders beside each other on the test rows, which nobody has fitted, tuned or calibrated on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from customer_behavior.evaluation import metrics
from customer_behavior.evaluation.calibration_chance import calibration_error_if_exact
from customer_behavior.targets.outcome import OUTCOMES, Outcome

MODEL = "model"
TENTHS = 10


def evaluate(
    label: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    outcome: Outcome,
    customers: np.ndarray,
    samples: int,
    seed: int,
    weight: np.ndarray | None = None,
    served: str | None = None,
) -> list[dict[str, Any]]:
    """Return one row of numbers per contender, columns as in models.evaluations; `predictions` has the key "model".

    Intervals are the 2.5 and 97.5 percentiles of `samples` bootstrap draws of customers; the gain over a contender is
    taken draw by draw, on the same customers for both. All numbers but `n` are those of the rows that these stand for.

    Parameters
    ----------
    label : array of shape (n,)
        0 or 1, or amounts.
    served : str, optional
        The contender that the model is.
    """
    judge = _judge_probabilities if outcome.kind == "probability" else _judge_amounts
    rows = judge(label, predictions, customers, samples, seed, weight)
    losses = {name: outcome.row_loss(label, predicted) for name, predicted in predictions.items()}
    for name, row in rows.items():
        gained = metrics.bootstrap_mean(losses[name] - losses[MODEL], customers, samples, seed, weight)
        row["contender"] = name
        row["n"] = len(label)
        row["log_loss_gain_low"] = None if name == MODEL else _percentile(gained, 2.5)
        row["served"] = name in (MODEL, served)
    return list(rows.values())


def _judge_probabilities(
    label: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    customers: np.ndarray,
    samples: int,
    seed: int,
    weight: np.ndarray | None,
) -> dict[str, dict[str, Any]]:
    drawn = metrics.bootstrap_aucs(label, dict(predictions), customers, samples, seed, weight)
    return {
        name: {
            "base_rate": metrics.mean(label, weight),
            "auc": metrics.auc(label, probability, weight),
            "auc_low": _percentile(drawn[name], 2.5),
            "auc_high": _percentile(drawn[name], 97.5),
            "auc_gain_low": None if name == MODEL else _percentile(drawn[MODEL] - drawn[name], 2.5),
            "pr_auc": metrics.average_precision(label, probability, weight),
            "brier": metrics.brier(label, probability, weight),
            "log_loss": metrics.log_loss(label, probability, weight),
            "ece": metrics.calibration_error(label, probability, weight),
            "ece_null95": calibration_error_if_exact(label, probability, customers, samples, seed, weight),
            "lift10": metrics.lift_at_tenth(label, probability, weight),
        }
        for name, probability in predictions.items()
    }


def _judge_amounts(
    label: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    customers: np.ndarray,
    samples: int,
    seed: int,
    weight: np.ndarray | None,
) -> dict[str, dict[str, Any]]:
    deviance = OUTCOMES["amount"].row_loss
    return {
        name: {
            "base_rate": metrics.mean(label > 0, weight),
            "mae": metrics.mean(np.abs(amount - label), weight),
            "rmse": float(np.sqrt(metrics.mean((amount - label) ** 2, weight))),
            "deviance": metrics.mean(deviance(label, amount), weight),
            "gini": metrics.gini(label, amount, weight),
            "lift10": metrics.lift_at_tenth(label, amount, weight),
        }
        for name, amount in predictions.items()
    }


def gain_table(label: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> pd.DataFrame:
    """Return one row per tenth of the rows, best first, columns as in models.gain_table; empty where nothing came true.

    A tenth holds a tenth of the weight; `n` counts the rows that were read.
    """
    if not label.any():
        return pd.DataFrame()
    w = np.ones(len(label)) if weight is None else np.asarray(weight, dtype=np.float64)
    order = np.argsort(-predicted, kind="stable")
    before = np.cumsum(w[order]) - w[order]
    tenth = np.empty(len(label), dtype=int)
    tenth[order] = np.minimum(before * TENTHS // w.sum(), TENTHS - 1) + 1
    rows = pd.DataFrame({"decile": tenth, "weight": w, "predicted": w * predicted, "hits": w * label})
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
