"""How contenders did on the same rows, pooled over the cutoffs: the numbers of `.run/bench-models.json`, and their limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from customer_behavior.evaluation import metrics
from customer_behavior.evaluation.calibration_chance import calibration_error_if_exact
from customer_behavior.evaluation.evaluation import MODEL

SAMPLES = 1_000
DRAWS = 2_000
IDENTITY = ("customer_id", "as_of_date", "label")
BG_NBD, LIGHTGBM = "bg_nbd", "lightgbm_defaults"
GAIN_LIMITS = {"logistic_regression": 0.0, "frequency": 0.0, "xgboost_defaults": 0.0, BG_NBD: 0.0, LIGHTGBM: 0.0}
"""What the lower bound of the gain in AUC has to be above."""
LEAK = 0.60


def judge(judged: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Return the numbers of a data set.

    Parameters
    ----------
    judged : DataFrame
        A row per customer and cutoff: the columns of `IDENTITY`, and one of probabilities per contender, "model" being what
        would be served.

    Notes
    -----
    Intervals are the 2.5 and 97.5 percentiles of draws of customers, each with all of their rows; a gain is taken draw by
    draw, on the same customers for both.
    """
    label = judged["label"].to_numpy(dtype=float)
    said = {str(name): judged[name].to_numpy(dtype=float) for name in judged if name not in IDENTITY}
    drawn = metrics.bootstrap_aucs(label, said, judged["customer_id"].to_numpy(dtype=str), SAMPLES, seed)
    model = said.pop(MODEL)
    numbers = {
        "base_rate": metrics.mean(label),
        "auc": metrics.auc(label, model),
        "auc_low": np.percentile(drawn[MODEL], 2.5),
        "auc_high": np.percentile(drawn[MODEL], 97.5),
        "pr_auc": metrics.average_precision(label, model),
        "brier": metrics.brier(label, model),
        "ece": metrics.calibration_error(label, model),
        "ece_null95": calibration_error_if_exact(label, model, judged["customer_id"].to_numpy(dtype=str), DRAWS, seed),
        "lift10": metrics.lift_at_tenth(label, model),
    }
    baselines = {
        name: {
            "auc": metrics.auc(label, probability),
            "brier": metrics.brier(label, probability),
            "auc_gain_low": np.percentile(drawn[MODEL] - drawn[name], 2.5),
            "auc_gain_high": np.percentile(drawn[MODEL] - drawn[name], 97.5),
        }
        for name, probability in said.items()
    }
    return {
        "n": len(label),
        **_rounded(numbers),
        "baselines": {name: _rounded(row) for name, row in baselines.items()},
    }


def auc_within_cutoffs(judged: pd.DataFrame, name: str) -> float:
    """Return the mean of a contender's areas of each cutoff, weighted by its rows.

    The pooled area ranks mornings as well as customers: where the base rate moves, it differs from this one.
    """
    mornings = [rows for _, rows in judged.groupby("as_of_date")]
    areas = [metrics.auc(rows["label"].to_numpy(dtype=float), rows[name].to_numpy(dtype=float)) for rows in mornings]
    return float(np.average(areas, weights=[len(rows) for rows in mornings]))


def shortfalls(figures: dict[str, Any], *, control: bool = False, surely_better: bool = True) -> Iterator[str]:
    """Yield a sentence for each limit that is missed.

    Parameters
    ----------
    control : bool
        There is one limit: that nothing is found.
    surely_better : bool
        False: the one limit is that the model is not surely below a baseline.
    """
    if control:
        if figures["auc"] > LEAK:
            yield f"auc {figures['auc']} is over {LEAK} where there is nothing to learn: a leak"
        return
    for name, limit in GAIN_LIMITS.items():
        if name not in figures["baselines"]:
            yield f"there is no {name} to compare with: the shop was too young for one on every morning"
            continue
        low, high = (figures["baselines"][name][f"auc_gain_{end}"] for end in ("low", "high"))
        if high < 0:
            yield f"the auc is surely below that of {name}: by {-high} or more"
        elif surely_better and not low > limit:
            yield f"the gain in auc over {name} may be as low as {low}, and has to be above {limit}"
    if not surely_better:
        return
    if figures["ece"] > figures["ece_null95"]:
        yield f"ece {figures['ece']} is over {figures['ece_null95']}, which 95 % of calibrated models stay below"
    best = min(figures["baselines"], key=lambda name: figures["baselines"][name]["brier"], default=None)
    if best is not None and figures["brier"] > figures["baselines"][best]["brier"]:
        yield f"brier {figures['brier']} is worse than {figures['baselines'][best]['brier']} of {best}"


def _rounded(numbers: dict[str, float]) -> dict[str, float]:
    return {name: round(float(number), 6) for name, number in numbers.items()}
