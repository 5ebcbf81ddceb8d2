"""A price above which visits end in a purchase more rarely, or more often: one step in an otherwise smooth curve."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.linear_model import PoissonRegressor
from sklearn.preprocessing import SplineTransformer

from customer_behavior.insights.cluster_robust import table_of, variance

KINDS = ("product", "customer")
ALPHA = 0.01  # of calling a threshold where there is none
CLEARLY = 4.0  # twice the log likelihood by which a step must fit better than a smooth bend
WIDEST = 1.35  # an interval that ends at more times its begin names no price
SMALLEST_EFFECT = 0.2  # a step that changes conversion by less is not worth telling
MIN_PURCHASES = 200
MIN_PRICES = 10
MIN_SIDE_PURCHASES = 30
MIN_SIDE_SHARE = 0.02
DRAWS = 2_000
SEED = 20
KNOTS = 4
CANDIDATES = 150
HANSEN_95 = (
    7.352  # of the likelihood ratio of a threshold: Hansen (2000), Sample splitting and threshold estimation, table 1
)


@dataclass(frozen=True)
class Threshold:
    """A step: its price between `low` and `high` (95 %), and how many times as often visits above it buy (95 %)."""

    price: float
    low: float
    high: float
    factor: float
    factor_low: float
    factor_high: float
    visits_above: int


@dataclass(frozen=True)
class PriceFinding:
    """What was found in so many visits; without a threshold `reason` says why. p_value is None where nothing was tested."""

    visits: int
    purchases: int
    threshold: Threshold | None
    reason: str | None
    p_value: float | None


def find_threshold(cells: pd.DataFrame) -> PriceFinding:
    """Look for the one price at which conversion steps.

    The curve without a step is a spline of log price (Poisson likelihood with log link, so a step is a factor). The step's score is
    taken at every price, and its greatest absolute value is compared with what it would be by chance: cluster sums with random
    signs (wild bootstrap of the score), clustered by product and by customer, of which the larger p-value counts. So neither a slope of
    conversion in price, nor a product that sells well, nor a customer with a favourite, is a threshold. When there is a
    step, its price maximises the likelihood beside the simplest trend (none, linear, spline) by BIC; its interval is the set of
    prices that Hansen's likelihood ratio does not refuse.

    Parameters
    ----------
    cells : DataFrame
        `clusters` ("product" or "customer": every visit is in one row of each), `cluster` (any id), `cell` (price cell, ascending
        with price), `lowest` and `highest` price in the row, `visits`, `purchases` (visits that ended in one).
    """
    curve = _Curve(cells)
    visits, purchases = int(curve.visits.sum()), int(curve.purchases.sum())
    reason = _why_not(curve, visits, purchases)
    if reason:
        return PriceFinding(visits, purchases, None, reason, None)
    candidates = curve.candidates()
    if not len(candidates):
        return PriceFinding(visits, purchases, None, "too few orders at either end of the prices to say", None)
    p_value, best = _search(curve, candidates)
    if p_value > ALPHA:
        return PriceFinding(visits, purchases, None, "no price at which conversion steps", p_value)
    threshold = _estimate(curve, candidates, best)
    if (
        abs(np.log(threshold.factor)) < -np.log(1 - SMALLEST_EFFECT)
        or threshold.factor_low <= 1 <= threshold.factor_high
    ):
        return PriceFinding(visits, purchases, None, "no price at which conversion steps by much", p_value)
    if threshold.high > WIDEST * threshold.low:
        return PriceFinding(visits, purchases, None, "conversion steps, but at no price that could be named", p_value)
    return PriceFinding(visits, purchases, threshold, None, p_value)


class _Curve:
    """Visits and purchases by price cell, in all and by cluster."""

    def __init__(self, cells: pd.DataFrame) -> None:
        known, codes = np.unique(cells["cell"].to_numpy(), return_inverse=True)
        size = len(known)
        coded = cells.assign(code=codes)
        by_cell = coded.groupby("code")
        self.lowest = by_cell["lowest"].min().to_numpy(float)
        self.highest = by_cell["highest"].max().to_numpy(float)
        self.log_price = (np.log(self.lowest) + np.log(self.highest)) / 2
        self.visits_by = {kind: table_of(coded, kind, "code", "visits", size) for kind in KINDS}
        self.purchases_by = {kind: table_of(coded, kind, "code", "purchases", size) for kind in KINDS}
        self.visits = self.visits_by[KINDS[0]].sum(axis=0)
        self.purchases = self.purchases_by[KINDS[0]].sum(axis=0)

    def candidates(self) -> np.ndarray:
        """Return the cells after which a step may come: enough visits and purchases to be expected on both sides."""
        below = np.cumsum(self.visits)[:-1] / self.visits.sum()
        smaller = np.minimum(below, 1 - below)
        enough = (smaller >= MIN_SIDE_SHARE) & (smaller * self.purchases.sum() >= MIN_SIDE_PURCHASES)
        return np.flatnonzero(enough)

    def above(self, after: int) -> np.ndarray:
        """Return 1 for the cells after `after`, else 0."""
        return (np.arange(len(self.visits)) > after).astype(float)

    def trends(self) -> list[np.ndarray]:
        """Return designs, shape (cells, columns), without a constant: none, a slope, a spline with knots at quantiles of visits."""
        x = self.log_price - np.average(self.log_price, weights=self.visits)
        spline = SplineTransformer(n_knots=KNOTS, degree=3, knots="quantile", include_bias=False)
        return [np.empty((len(x), 0)), x[:, None], spline.fit_transform(x[:, None], sample_weight=self.visits)]

    def fit(self, design: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Return the conversion of each cell, the coefficients and the log likelihood of a Poisson fit."""
        rate = self.purchases / self.visits
        if design.shape[1] == 0:
            fitted, coefficients = np.full(len(rate), self.purchases.sum() / self.visits.sum()), np.empty(0)
        else:
            model = PoissonRegressor(alpha=0, solver="newton-cholesky", tol=1e-8, max_iter=100)
            model.fit(design, rate, sample_weight=self.visits)
            fitted, coefficients = model.predict(design), model.coef_
        likelihood = float((self.purchases * np.log(fitted) - self.visits * fitted).sum())
        return fitted, coefficients, likelihood

    def influence(self, fitted: np.ndarray, direction: np.ndarray) -> list[np.ndarray]:
        """Return what each cluster adds to the sum of residuals in a direction, shape (cells,) or (cells, directions), by kind."""
        return [(self.purchases_by[kind] - self.visits_by[kind] * fitted) @ direction for kind in KINDS]


def _why_not(curve: _Curve, visits: int, purchases: int) -> str | None:
    if visits == 0:
        return "no visit shows a price"
    if purchases == visits:
        return "the source shows no visits that end without a purchase"
    if purchases < MIN_PURCHASES:
        return f"too few orders to say: {purchases}, and {MIN_PURCHASES} are needed"
    if len(curve.visits) == 1:
        return "all visits were about one price"
    if len(curve.visits) < MIN_PRICES:
        return f"too few prices to say: {len(curve.visits)}, and {MIN_PRICES} are needed"
    return None


def _apart(direction: np.ndarray, trend: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the part of directions, shape (cells, n), that a constant and the trend do not explain, by weighted least squares."""
    root = np.sqrt(weight)[:, None]
    base = np.column_stack([np.ones(len(trend)), trend])
    solved = np.linalg.lstsq(root * base, root * direction, rcond=None)[0]
    return direction - base @ solved


def _search(curve: _Curve, candidates: np.ndarray) -> tuple[float, int]:
    """Return the p-value of the likeliest step and the candidate it is at.

    It is tested against a spline, or against a slope, which sees smaller steps, if the slope with a step also fits better than the spline:
    what is smooth, but bent, is no step.
    """
    _, slope, spline = curve.trends()
    p_value, best, _ = _test(curve, candidates, spline)
    if p_value > ALPHA:
        bolder, other, dispersion = _test(curve, candidates, slope)
        gain = curve.fit(np.column_stack([curve.above(other), slope]))[2] - curve.fit(spline)[2]
        if bolder <= ALPHA and 2 * gain / dispersion >= CLEARLY:
            return bolder, other
    return p_value, best


def _test(curve: _Curve, candidates: np.ndarray, trend: np.ndarray) -> tuple[float, int, float]:
    """Return the p-value of the greatest step beside a trend, corrected for the search, where it is, and its overdispersion."""
    fitted = curve.fit(trend)[0]
    weight = curve.visits * fitted
    steps = np.arange(len(curve.visits))[:, None] > candidates
    directions = _apart(steps.astype(float), trend, weight)
    parts = curve.influence(fitted, directions)
    score, by_model = parts[0].sum(axis=0), (weight * (1 - fitted)) @ directions**2
    spread = np.maximum.reduce([by_model, *(variance(part) for part in parts)])
    statistic = np.abs(score) / np.sqrt(spread)
    rng = np.random.default_rng(SEED)
    p_values = []
    for part in parts:
        scaled = part / np.sqrt(spread)
        signs = rng.choice([-1.0, 1.0], (DRAWS, len(part)))
        greatest = np.concatenate([np.abs(some @ scaled).max(axis=1) for some in np.array_split(signs, 10)])
        p_values.append((1 + np.sum(greatest >= statistic.max())) / (1 + DRAWS))
    top = int(np.argmax(statistic))
    return float(max(p_values)), int(candidates[top]), float(spread[top] / by_model[top])


def _estimate(curve: _Curve, candidates: np.ndarray, first_guess: int) -> Threshold:
    trend = _trend_beside(curve, first_guess)
    best, likelihoods = _profile(curve, candidates, trend)
    design = np.column_stack([curve.above(best), trend])
    fitted, coefficients, likelihood = curve.fit(design)
    weight = curve.visits * fitted
    direction = _apart(curve.above(best)[:, None], trend, weight)[:, 0]
    model_spread = (weight * (1 - fitted)) @ direction**2
    parts = curve.influence(fitted, direction)
    spread = max(model_spread, *(float(variance(part)) for part in parts))
    accepted = [
        after for after, value in likelihoods.items() if 2 * (likelihood - value) <= HANSEN_95 * spread / model_spread
    ]
    half = stats.t.ppf(0.975, min(map(len, parts)) - 1) * np.sqrt(spread) / (weight @ direction**2)
    return Threshold(
        price=float(np.sqrt(curve.highest[best] * curve.lowest[best + 1])),
        low=float(curve.highest[min(accepted)]),
        high=float(curve.lowest[max(accepted) + 1]),
        factor=float(np.exp(coefficients[0])),
        factor_low=float(np.exp(coefficients[0] - half)),
        factor_high=float(np.exp(coefficients[0] + half)),
        visits_above=int(curve.visits[best + 1 :].sum()),
    )


def _trend_beside(curve: _Curve, after: int) -> np.ndarray:
    """Return the trend that explains most beside a step, by BIC."""
    trends = curve.trends()
    cost = np.log(curve.purchases.sum())
    scores = [curve.fit(np.column_stack([curve.above(after), t]))[2] - t.shape[1] * cost / 2 for t in trends]
    return trends[int(np.argmax(scores))]


def _profile(curve: _Curve, candidates: np.ndarray, trend: np.ndarray) -> tuple[int, dict[int, float]]:
    """Return the best cell for the step, and the likelihoods of those tried: some of all, then all about the best."""

    def likelihoods(cells: Sequence[int]) -> dict[int, float]:
        return {int(one): curve.fit(np.column_stack([curve.above(one), trend]))[2] for one in cells}

    reached = np.cumsum(curve.visits)[candidates]
    wanted = np.linspace(reached[0], reached[-1], CANDIDATES)
    coarse = np.unique(np.minimum(np.searchsorted(reached, wanted), len(candidates) - 1))
    found = likelihoods(candidates[coarse])
    top = max(found.values())
    near = [place for place in coarse if 2 * (top - found[int(candidates[place])]) <= 4 * HANSEN_95]
    begin, end = np.searchsorted(coarse, [near[0], near[-1]])
    fine = candidates[coarse[max(begin - 1, 0)] : coarse[min(end + 1, len(coarse) - 1)] + 1]
    if len(fine) > 4 * CANDIDATES:
        fine = fine[:: len(fine) // (4 * CANDIDATES) + 1]
    found |= likelihoods([one for one in fine if int(one) not in found])
    return max(found, key=lambda one: found[one]), found
