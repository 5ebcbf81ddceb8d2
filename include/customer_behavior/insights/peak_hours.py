"""Hours of the day with more visits than is usual, or in which visits end in a purchase more often."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from customer_behavior.insights.cluster_robust import table_of, variance

KINDS = ("day", "customer")
HOURS = 24
ALPHA = 0.01  # of naming an hour of a day on which all are alike
SMALLEST_EFFECT = np.log(1.2)  # a fifth more
LONGEST = 8  # neighbouring hours that are looked at together
MIN_EVENTS = 200  # visits, or purchases, in all
MIN_DAYS = 7


@dataclass(frozen=True)
class Peak:
    """Hours whose rate is `ratio` times that of all other hours, with its 95 % interval."""

    hours: tuple[int, ...]
    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class PeakHours:
    """Peaks of visits and of purchases a visit; None: none found, or, with a reason, not looked for."""

    visits: int
    purchases: int
    traffic: Peak | None
    conversion: Peak | None
    traffic_reason: str | None = None
    conversion_reason: str | None = None


def find_peaks(counts: pd.DataFrame) -> PeakHours:
    """Name the hours with at least a fifth more visits, or purchases a visit, than the middle hour of the day, beyond chance.

    Every run of 1 to 8 neighbouring hours, midnight crossed, is compared with the middle one of the hours that have any; the clearest
    is named, then the next among the other hours, until none is left that chance cannot explain (Bonferroni over all runs). The
    middle hour is the yardstick because a peak of up to 11 hours does not move it. Variances are of ratios between
    clusters, by day and by customer, of which the larger counts.

    Parameters
    ----------
    counts : DataFrame
        `clusters` ("day" or "customer": every visit is in one row of each), `cluster` (any id), `hour` (shop-local, 0 to 23),
        `visits`, `purchases` (visits that ended in one).
    """
    visits = {kind: table_of(counts, kind, "hour", "visits", HOURS) for kind in KINDS}
    purchases = {kind: table_of(counts, kind, "hour", "purchases", HOURS) for kind in KINDS}
    seen, bought, days = int(visits["day"].sum()), int(purchases["day"].sum()), len(visits["day"])
    why_no_traffic, why_no_conversion = _too_few("visits", seen, days), _too_few("orders", bought, days)
    if not why_no_conversion and bought == seen:
        why_no_conversion = "the source shows no visits that end without a purchase"
    return PeakHours(
        seen,
        bought,
        None if why_no_traffic else _peak(_Rate(visits)),
        None if why_no_conversion else _peak(_Rate(purchases, visits)),
        why_no_traffic,
        why_no_conversion,
    )


def _too_few(what: str, count: int, days: int) -> str | None:
    if days < MIN_DAYS:
        return f"too few days to say: {days}, and {MIN_DAYS} are needed"
    return f"too few {what} to say: {count}, and {MIN_EVENTS} are needed" if count < MIN_EVENTS else None


@dataclass(frozen=True)
class _Rate:
    """Events over others, or, without those, over hours of the clock; by kind of cluster, arrays of shape (clusters, hours)."""

    over: dict[str, np.ndarray]
    under: dict[str, np.ndarray] | None = None

    def of(self, hours: np.ndarray) -> float:
        """Return the rate of some hours; 0 where there is nothing."""
        under = self.under["day"][:, hours].sum() if self.under else hours.sum()
        return float(self.over["day"][:, hours].sum() / under) if under else 0.0

    def influence(self, kind: str, hours: np.ndarray) -> np.ndarray:
        """Return what each cluster adds to the logarithm of the rate."""
        over = self.over[kind][:, hours].sum(axis=1)
        under = self.under[kind][:, hours].sum(axis=1) if self.under else np.zeros(len(over))
        return over / max(over.sum(), 1) - under / max(under.sum(), 1)

    def compare(self, one: np.ndarray, other: np.ndarray) -> tuple[float, float, int]:
        """Return the logarithm of the ratio of two rates, its standard error, and how many clusters that stands on."""
        rates = self.of(one), self.of(other)
        if min(rates) == 0:
            return 0.0, np.inf, 1
        parts = [self.influence(kind, one) - self.influence(kind, other) for kind in KINDS]
        spread, clusters = max((float(variance(part)), len(part)) for part in parts)
        return float(np.log(rates[0] / rates[1])), float(np.sqrt(spread)), clusters

    def middle(self) -> float:
        """Return the median rate of the hours that have any."""
        rates = [rate for hour in range(HOURS) if (rate := self.of(np.arange(HOURS) == hour)) > 0]
        return float(np.median(rates))


def _peak(rate: _Rate) -> Peak | None:
    found = np.zeros(HOURS, bool)
    while (run := _clearest(rate, found)) is not None:
        found |= _without_gaps(rate, run)
    if not found.any():
        return None
    ratio, error, clusters = rate.compare(found, ~found)
    half = stats.t.ppf(0.975, clusters - 1) * error
    hours = tuple(int(hour) for hour in np.flatnonzero(found))
    return Peak(hours, *(float(np.exp(value)) for value in (ratio, ratio - half, ratio + half)))


def _clearest(rate: _Rate, taken: np.ndarray) -> np.ndarray | None:
    """Return the run of hours, none of them taken, that is most clearly above the middle hour; None if chance explains it."""
    middle, best, clearest = rate.middle(), None, 0.0
    for length in range(1, LONGEST + 1):
        for begin in range(HOURS):
            run = np.isin(np.arange(HOURS), (begin + np.arange(length)) % HOURS)
            if (run & taken).any() or (excess := np.log(max(rate.of(run) / middle, 1))) < SMALLEST_EFFECT:
                continue
            _, error, clusters = rate.compare(run, ~run)
            needed = stats.t.ppf(1 - ALPHA / (HOURS * LONGEST), max(clusters - 1, 1)) * error
            if excess > needed and excess / error > clearest:
                best, clearest = run, excess / error
    return best


def _without_gaps(rate: _Rate, run: np.ndarray) -> np.ndarray:
    """Return a run without the hours that are clearly below its others: those between two peaks."""
    kept = run.copy()
    for hour in np.flatnonzero(run) if run.sum() > 1 else ():
        one = np.arange(HOURS) == hour
        ratio, error, _ = rate.compare(one, run & ~one)
        kept[hour] = ratio >= -max(2 * error, SMALLEST_EFFECT / 2)
    return kept
