"""What a model has to beat, fitted and calibrated on the same rows as it: logistic regression, frequency alone, base rate."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from customer_behavior.training.calibration import fit_platt

FREQUENCY = "purchase_days_90d"
HEAVY_TAIL = 2.0
"""Skewness over which a feature that is never negative enters the logistic regression as log(1 + x)."""

Predictor = Callable[[pd.DataFrame], np.ndarray]


def fit_baselines(fit: pd.DataFrame, calibration: pd.DataFrame, features: tuple[str, ...]) -> dict[str, Predictor]:
    """Return each baseline, name to a function from rows to calibrated probabilities.

    Parameters
    ----------
    fit, calibration : DataFrame
        Columns of `features` and `label`; calibration rows are later than those of the fit.
    """
    frequency = FREQUENCY if FREQUENCY in features else features[0]
    return {
        "logistic_regression": _calibrated(_logistic_margin(fit, features), calibration),
        "frequency": _calibrated(lambda rows: np.log1p(rows[frequency].fillna(0).to_numpy(float)), calibration),
        "base_rate": _constant(float(calibration["label"].mean())),
    }


def _constant(probability: float) -> Predictor:
    return lambda rows: np.full(len(rows), probability)


def _calibrated(margin: Predictor, calibration: pd.DataFrame) -> Predictor:
    platt = fit_platt(margin(calibration), calibration["label"].to_numpy())
    return lambda rows: platt.probability(margin(rows))


def _logistic_margin(fit: pd.DataFrame, features: tuple[str, ...]) -> Predictor:
    """Return a logistic regression on medians and missing flags, logarithms of heavy tails, and standard units."""
    columns = list(features)
    known = fit[columns].astype(float)
    tail = (known.min().to_numpy() >= 0) & (known.skew().to_numpy(dtype=float) > HEAVY_TAIL)
    tailed = [name for name, heavy in zip(columns, tail, strict=True) if heavy]

    def prepared(rows: pd.DataFrame) -> np.ndarray:
        values = rows[columns].astype(float)
        values[tailed] = np.log1p(values[tailed].clip(lower=0))
        return values.to_numpy()

    pipeline = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(max_iter=1000),
    )
    pipeline.fit(prepared(fit), fit["label"].to_numpy())
    return lambda rows: pipeline.decision_function(prepared(rows))
