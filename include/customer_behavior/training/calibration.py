"""Platt calibration: margins become probabilities, on later data than the fit."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from customer_behavior.training.metrics import mean


@dataclass(frozen=True)
class Platt:
    """`probability = 1 / (1 + exp(-(slope * margin + intercept)))`."""

    slope: float
    intercept: float

    def log_odds(self, margin: np.ndarray) -> np.ndarray:
        """Return calibrated log-odds, same shape as `margin`."""
        return self.slope * np.asarray(margin, dtype=np.float64) + self.intercept

    def probability(self, margin: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities, 0 to 1, same shape as `margin`."""
        return expit(self.log_odds(margin))


def fit_platt(margin: np.ndarray, label: np.ndarray, weight: np.ndarray | None = None) -> Platt:
    """Return the calibrator with the highest likelihood on these rows.

    Parameters
    ----------
    margin : array of shape (n,)
        Uncalibrated log-odds, of rows that took no part in the fit.
    label : array of shape (n,)
        0 or 1.
    weight : array of shape (n,), optional
        How many rows each one stands for; the calibrator is then that of those rows.

    Notes
    -----
    Labels are smoothed by one pseudo-observation of each class, so that rows of one class, or perfectly split ones, end
    in finite numbers. They are counted among the rows that are stood for: among those that were read, the two would not
    cancel where the classes are sampled at different rates, and the mean would be off.
    J. Platt, Probabilistic outputs for support vector machines, 1999.
    """
    x = np.asarray(margin, dtype=np.float64)
    y = np.asarray(label, dtype=np.float64)
    positives = y.sum() if weight is None else weight @ y
    negatives = (len(y) if weight is None else weight.sum()) - positives
    goal = np.where(y > 0.5, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    # Standardised inside, so that the optimiser sees a well-shaped problem whatever the scale of the margin.
    centre, scale = float(x.mean()), float(x.std())
    if scale <= 1e-9 * max(abs(centre), 1.0):  # one and the same margin: nothing to rank by, only a rate
        rate = mean(goal, weight)
        return Platt(slope=0.0, intercept=float(np.log(rate / (1 - rate))))
    z = (x - centre) / scale

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        odds = parameters[0] * z + parameters[1]
        error = expit(odds) - goal
        value = mean(np.logaddexp(0, odds) - goal * odds, weight)
        return value, np.array([mean(error * z, weight), mean(error, weight)])

    start = np.array([0.0, np.log((positives + 1) / (negatives + 1))])
    slope, intercept = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-9}).x
    return Platt(slope=float(slope / scale), intercept=float(intercept - slope * centre / scale))
