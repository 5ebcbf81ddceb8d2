"""What a model has to beat, fitted and calibrated on the same rows as it: logistic regression, frequency alone, base rate."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from customer_behavior.training.calibration import fit_platt
from customer_behavior.training.metrics import mean
from customer_behavior.training.sampling import fit_weights, row_weights

FREQUENCY = "purchase_days_90d"
HEAVY_TAIL = 2.0
"""Skewness over which a feature that is never negative enters the logistic regression as log(1 + x)."""

Predictor = Callable[[pd.DataFrame], np.ndarray]


def fit_baselines(fit: pd.DataFrame, calibration: pd.DataFrame, features: tuple[str, ...]) -> dict[str, Predictor]:
    """Return each baseline, name to a function from rows to calibrated probabilities.

    Parameters
    ----------
    fit, calibration : DataFrame
        Columns of `features`, `label` and `weight`; calibration rows are later than those of the fit.
    """
    frequency = FREQUENCY if FREQUENCY in features else features[0]
    return {
        "logistic_regression": _calibrated(_logistic_margin(fit, features), calibration),
        "frequency": _calibrated(lambda rows: np.log1p(rows[frequency].fillna(0).to_numpy(float)), calibration),
        "base_rate": _constant(mean(calibration["label"].to_numpy(), row_weights(calibration))),
    }


def _constant(probability: float) -> Predictor:
    return lambda rows: np.full(len(rows), probability)


def _calibrated(margin: Predictor, calibration: pd.DataFrame) -> Predictor:
    platt = fit_platt(margin(calibration), calibration["label"].to_numpy(), row_weights(calibration))
    return lambda rows: platt.probability(margin(rows))


def _logistic_margin(fit: pd.DataFrame, features: tuple[str, ...]) -> Predictor:
    """Return a logistic regression on medians and missing flags, logarithms of heavy tails, and standard units."""
    columns = list(features)
    # Column by column: the frame in float64 would be the largest thing in memory.
    tailed = [name for name in columns if _is_heavy_tailed(fit[[name]].astype(float))]

    def prepared(rows: pd.DataFrame) -> np.ndarray:
        values = rows[columns].astype(float)
        values[tailed] = np.log1p(values[tailed].clip(lower=0))
        return values.to_numpy()

    pipeline = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True, copy=False),
        StandardScaler(copy=False),
        LogisticRegression(max_iter=1000),
    )
    # The medians are those of the rows that were read: beside its flag, which value stands for a missing one is of no account.
    weight = fit_weights(row_weights(fit))
    pipeline.fit(
        prepared(fit),
        fit["label"].to_numpy(),
        standardscaler__sample_weight=weight,
        logisticregression__sample_weight=weight,
    )
    return lambda rows: pipeline.decision_function(prepared(rows))


def _is_heavy_tailed(column: pd.DataFrame) -> bool:
    return bool(column.min().to_numpy()[0] >= 0 and column.skew().to_numpy(dtype=float)[0] > HEAVY_TAIL)
