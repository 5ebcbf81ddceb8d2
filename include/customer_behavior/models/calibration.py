"""Calibration: margins become probabilities or amounts, on later data than the fit.

Every calibrator has `predict(margin)`, `contributions(margin, shares)`, which add up to what it predicts, and `content()`, which
`calibrator_from` reads back.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import TweedieRegressor

from customer_behavior.errors import CheckFailedError
from customer_behavior.evaluation.metrics import brier, mean
from customer_behavior.targets.outcome import TWEEDIE_POWER, Kind

ISOTONIC_MINIMUM = 1_000
"""Rows of the rarer outcome under which steps are not tried: they would follow noise."""
ISOTONIC_GAIN = 0.001
"""Share of the Brier score that steps have to save on rows they were not fitted on: they cost the order within a step."""
FOLDS = 5


class Calibrator(Protocol):
    """What a model needs of a calibrator."""

    @property
    def slope(self) -> float:
        """Calibrated units a unit of margin, over all rows; not above 0 where the margin's order did not hold."""

    def predict(self, margin: np.ndarray) -> np.ndarray:
        """Return probabilities or amounts, same shape as `margin`."""

    def contributions(self, margin: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return what each feature adds to the calibrated log-odds, or logarithm, same shape as `shares`.

        They add up to that of `predict(margin)` less that of the margin without them.

        Parameters
        ----------
        margin : array of shape (n,)
            Uncalibrated.
        shares : array of shape (n, features)
            What each feature adds to the margin.
        """

    def moved(self, by: float) -> "Calibrator":
        """Return the calibrator that says of margins higher by `by` what this one says of these."""

    def content(self) -> dict[str, Any]:
        """Return the calibrator as JSON has it."""


FitFunction = Callable[[np.ndarray, np.ndarray, np.ndarray | None], Calibrator]
"""From margins (n,), labels (n,) and weights (n,) to their calibrator."""


@dataclass(frozen=True)
class Platt:
    """`probability = 1 / (1 + exp(-(slope * margin + intercept)))`."""

    slope: float
    intercept: float

    def log_odds(self, margin: np.ndarray) -> np.ndarray:
        """Return calibrated log-odds, same shape as `margin`."""
        return self.slope * np.asarray(margin, dtype=np.float64) + self.intercept

    def predict(self, margin: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities, 0 to 1, same shape as `margin`."""
        return expit(self.log_odds(margin))

    def contributions(self, margin: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return what each feature adds to the calibrated log-odds, same shape as `shares`."""
        return self.slope * shares

    def moved(self, by: float) -> "Platt":
        """Return the calibrator that says of margins higher by `by` what this one says of these."""
        return Platt(self.slope, self.intercept - self.slope * by)

    def content(self) -> dict[str, Any]:
        """Return the calibrator as JSON has it."""
        return {"method": "platt", **asdict(self)}


@dataclass(frozen=True)
class Isotonic:
    """Steps that never fall, joined by lines. `slope` is that of the Platt line on the same rows."""

    slope: float
    margins: tuple[float, ...]
    probabilities: tuple[float, ...]

    def predict(self, margin: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities, never quite 0 or 1, same shape as `margin`."""
        return np.interp(np.asarray(margin, dtype=np.float64), self.margins, self.probabilities)

    def contributions(self, margin: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return what each feature adds to the calibrated log-odds, same shape as `shares`.

        Each row's shares are stretched alike, to add up to where its steps lead from the margin without them.
        """
        moved = shares.sum(axis=1, dtype=np.float64)
        steps = logit(self.predict(margin)) - logit(self.predict(margin - moved))
        rate = np.divide(steps, moved, out=np.full(len(moved), self.slope), where=np.abs(moved) > 1e-9)
        return (rate[:, None] * shares).astype(shares.dtype)

    def moved(self, by: float) -> "Isotonic":
        """Return the calibrator that says of margins higher by `by` what this one says of these."""
        return Isotonic(self.slope, tuple(margin + by for margin in self.margins), self.probabilities)

    def content(self) -> dict[str, Any]:
        """Return the calibrator as JSON has it."""
        return {
            "method": "isotonic",
            "slope": self.slope,
            "margins": list(self.margins),
            "probabilities": list(self.probabilities),
        }


@dataclass(frozen=True)
class LogLine:
    """`amount = exp(slope * margin + intercept)`."""

    slope: float
    intercept: float

    def predict(self, margin: np.ndarray) -> np.ndarray:
        """Return amounts, more than 0, same shape as `margin`."""
        return np.exp(self.slope * np.asarray(margin, dtype=np.float64) + self.intercept)

    def contributions(self, margin: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return what each feature adds to the calibrated logarithm, same shape as `shares`."""
        return self.slope * shares

    def moved(self, by: float) -> "LogLine":
        """Return the calibrator that says of margins higher by `by` what this one says of these."""
        return LogLine(self.slope, self.intercept - self.slope * by)

    def content(self) -> dict[str, Any]:
        """Return the calibrator as JSON has it."""
        return {"method": "log_line", **asdict(self)}


def calibrator_from(content: Mapping[str, Any]) -> Calibrator:
    """Return the calibrator that `content()` described; CheckFailedError when its method is not known."""
    parts = {name: value for name, value in content.items() if name != "method"}
    method = content.get("method")
    if method == "platt":
        return Platt(**parts)
    if method == "log_line":
        return LogLine(**parts)
    if method == "isotonic":
        return Isotonic(parts["slope"], tuple(parts["margins"]), tuple(parts["probabilities"]))
    raise CheckFailedError(f"calibration by {method!r} is not known to this version")


def fit_calibrator(
    kind: Kind, margin: np.ndarray, label: np.ndarray, groups: np.ndarray, weight: np.ndarray | None = None
) -> Calibrator:
    """Return the calibrator of these rows: for amounts a line of logarithms, for probabilities Platt or isotonic.

    Isotonic regression is taken where there are enough rows of both outcomes and its Brier score, on groups that took no
    part, is clearly lower.

    Parameters
    ----------
    margin : array of shape (n,)
        Uncalibrated, of rows that took no part in the fit.
    label : array of shape (n,)
        0 or 1, or amounts of 0 or more.
    groups : array of shape (n,)
        Each row's customer, or label window: all rows of one are in the same fold.
    weight : array of shape (n,), optional
        How many rows each one stands for.
    """
    if kind == "amount":
        return fit_log_line(margin, label, weight)
    platt = fit_platt(margin, label, weight)
    positives = int(np.sum(label))
    if min(positives, len(label) - positives) < ISOTONIC_MINIMUM:
        return platt
    line, steps = (
        brier(label, out_of_fold(fit, margin, label, groups, weight), weight) for fit in (fit_platt, fit_isotonic)
    )
    return fit_isotonic(margin, label, weight) if steps < line * (1 - ISOTONIC_GAIN) else platt


def out_of_fold(
    fit: FitFunction, margin: np.ndarray, label: np.ndarray, groups: np.ndarray, weight: np.ndarray | None = None
) -> np.ndarray:
    """Return predictions (n,) of calibrators that were each fitted, by `fit`, without the row's group."""
    _, codes = np.unique(groups, return_inverse=True)
    fold = np.random.default_rng(0).permutation(int(codes.max()) + 1)[codes] % FOLDS
    predicted = np.empty(len(label))
    for number in range(FOLDS):
        held = fold == number
        if not held.any():
            continue
        rest = ~held
        calibrator = fit(margin[rest], label[rest], None if weight is None else weight[rest])
        predicted[held] = calibrator.predict(margin[held])
    return predicted


def fit_isotonic(margin: np.ndarray, label: np.ndarray, weight: np.ndarray | None = None) -> Isotonic:
    """Return the steps of least squares that never fall, kept away from 0 and 1 by half a row.

    B. Zadrozny and C. Elkan, Transforming classifier scores into accurate multiclass probability estimates, 2002.
    """
    steps = IsotonicRegression(out_of_bounds="clip").fit(np.asarray(margin, dtype=np.float64), label, weight)
    edge = 0.5 / len(label)
    return Isotonic(
        slope=fit_platt(margin, label, weight).slope,
        margins=tuple(map(float, steps.X_thresholds_)),
        probabilities=tuple(map(float, np.clip(steps.y_thresholds_, edge, 1 - edge))),
    )


def fit_log_line(margin: np.ndarray, label: np.ndarray, weight: np.ndarray | None = None) -> LogLine:
    """Return the line of logarithms with the least Tweedie deviance; without any amount, the smallest one there is."""
    x = np.asarray(margin, dtype=np.float64)
    y = np.asarray(label, dtype=np.float64)
    total = mean(y, weight)
    if total <= 0:
        return LogLine(slope=0.0, intercept=float(np.log(1e-9)))
    centre, scale = float(x.mean()), float(x.std())
    if scale <= 1e-9 * max(abs(centre), 1.0):
        return LogLine(slope=0.0, intercept=float(np.log(total)))
    line = TweedieRegressor(power=TWEEDIE_POWER, alpha=0, link="log", max_iter=1000, tol=1e-8)
    line.fit(((x - centre) / scale)[:, None], y / total, sample_weight=weight)
    slope = float(line.coef_[0]) / scale
    return LogLine(slope=slope, intercept=float(line.intercept_ + np.log(total)) - slope * centre)


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


FITTED_BY: Mapping[type, FitFunction] = {Platt: fit_platt, Isotonic: fit_isotonic, LogLine: fit_log_line}
"""The function that fits each kind of calibrator."""
