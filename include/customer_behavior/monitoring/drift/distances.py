"""How far features moved between two samples, measured by Evidently. Pure functions on frames."""

import os
from collections.abc import Sequence

import numpy as np
import pandas as pd

from customer_behavior.settings import DriftLimits

MISSING_SHARE = "missing_share"


def measure(
    reference: pd.DataFrame, current: pd.DataFrame, features: Sequence[str], limits: DriftLimits
) -> pd.DataFrame:
    """Return one row per feature: method, distance, threshold, drifted, means and shares of missing values.

    Evidently compares the values that are there. A feature whose values go missing has moved as well, so the change in
    the share of missing values stands in, under its own name, where it is the larger of the two.

    Parameters
    ----------
    reference, current : frames of shape (n, ...) and (m, ...)
        Both with every feature as a column; n and m at least 1.
    """
    before = reference[list(features)].apply(pd.to_numeric, errors="coerce").astype("float64")
    now = current[list(features)].apply(pd.to_numeric, errors="coerce").astype("float64")
    distances = _evidently(before, now, features, limits)
    rows = []
    for name in features:
        missing_before, missing_now = float(before[name].isna().mean()), float(now[name].isna().mean())
        method: str = limits.method
        distance = distances.get(name, 0.0)
        if abs(missing_now - missing_before) > distance:
            method, distance = MISSING_SHARE, abs(missing_now - missing_before)
        rows.append(
            {
                "feature": name,
                "method": method,
                "distance": distance,
                "threshold": limits.threshold,
                "drifted": distance >= limits.threshold,
                "reference_mean": before[name].mean(),
                "current_mean": now[name].mean(),
                "reference_missing": missing_before,
                "current_missing": missing_now,
            }
        )
    return pd.DataFrame(rows)


def _evidently(
    before: pd.DataFrame, now: pd.DataFrame, features: Sequence[str], limits: DriftLimits
) -> dict[str, float]:
    """Return the distance of each feature by Evidently's own test, which is what its report shows, without making its charts."""
    os.environ.setdefault("DO_NOT_TRACK", "1")  # Evidently reports its use to its makers unless told not to
    # Four seconds to import, so here.
    from evidently.legacy.calculations.stattests import get_stattest

    distances = {}
    for name in features:
        samples = [frame[name].replace([np.inf, -np.inf], np.nan).dropna() for frame in (before, now)]
        if samples[0].empty or samples[1].empty:
            continue
        test = get_stattest(*samples, "num", limits.method)
        distances[name] = float(test(*samples, "num", limits.threshold).drift_score)
    return distances
