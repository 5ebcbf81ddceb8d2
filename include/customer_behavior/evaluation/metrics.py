"""How good probabilities are: ranking, calibration, loss, and how far the numbers may be off.

`weight`, shape (n,), is how many rows each one stands for: every number is then that of the rows it would be without the
sampling. None: each stands for itself.
"""

from collections.abc import Iterator

import numpy as np
from sklearn.metrics import average_precision_score

from customer_behavior.targets.outcome import row_log_loss

BINS = 10


class Ranking:
    """The area under the ROC curve of one set of scores, for any weights of its rows; ties count half.

    Parameters
    ----------
    label : array of shape (n,)
        0 or 1.
    score : array of shape (n,)
        Higher means more likely 1.
    """

    def __init__(self, label: np.ndarray, score: np.ndarray) -> None:
        self.order = np.argsort(score, kind="stable")
        ordered = np.asarray(score)[self.order]
        self.starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self.positive = np.asarray(label, dtype=np.float64)[self.order]

    def auc(self, weight: np.ndarray | None = None) -> float:
        """Return the area, NaN when the weighted rows have one class only."""
        w = np.ones(len(self.order)) if weight is None else np.asarray(weight, dtype=np.float64)[self.order]
        positives = np.add.reduceat(w * self.positive, self.starts)
        negatives = np.add.reduceat(w * (1 - self.positive), self.starts)
        pairs = positives.sum() * negatives.sum()
        if pairs == 0:
            return float("nan")
        below = np.cumsum(negatives) - negatives
        return float(np.sum(positives * (below + negatives / 2)) / pairs)


def auc(label: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the area under the ROC curve, NaN when there is one class only."""
    return Ranking(label, score).auc(weight)


def mean(values: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the mean of the values."""
    return float(np.mean(values) if weight is None else np.average(values, weights=weight))


def brier(label: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the mean squared error of the probability."""
    return mean((probability - label) ** 2, weight)


def log_loss(label: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the mean negative log likelihood, nats."""
    return mean(row_log_loss(label, probability), weight)


def calibration_error(label: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the mean gap between predicted and realised over ten bins of equal size; equal probabilities share a bin."""
    cuts = np.arange(1, BINS) / BINS
    gap = np.asarray(probability, dtype=np.float64) - label
    if weight is None:
        edges, of = np.quantile(probability, cuts), float(len(gap))
    else:  # the one definition of a quantile that numpy has with weights
        edges, of = np.quantile(probability, cuts, weights=weight, method="inverted_cdf"), float(np.sum(weight))
        gap = gap * weight
    bins = np.searchsorted(edges, probability, side="left")
    return float(np.abs(np.bincount(bins, weights=gap, minlength=BINS)).sum() / of)


def lift_at_tenth(label: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the positive rate of the top tenth over the base rate, NaN without a positive.

    Rows with the probability at which the tenth ends are taken in part, as if drawn from them at random.
    """
    w = np.ones(len(label)) if weight is None else np.asarray(weight, dtype=np.float64)
    base = mean(label, weight)
    if base == 0:
        return float("nan")
    size = np.ceil(np.round(w.sum(), 6) / BINS)
    best_first = np.argsort(-probability, kind="stable")
    limit = probability[best_first[np.searchsorted(np.cumsum(w[best_first]), size - 1e-6)]]
    above, at = probability > limit, probability == limit
    hits = (w * label)[above].sum() + (size - w[above].sum()) * mean(label[at], w[at])
    return float(hits / size / base)


def average_precision(label: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the average precision, NaN without a positive."""
    return float(average_precision_score(label, probability, sample_weight=weight)) if label.any() else float("nan")


def gini(label: np.ndarray, amount: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return how well the amounts rank what was spent: 1 as well as possible, 0 no better than chance, NaN without spending.

    The area between the curve of spending caught, best first, and the diagonal, over that of the perfect order.
    """
    w = np.ones(len(label)) if weight is None else np.asarray(weight, dtype=np.float64)
    best = _area_of_gain(label, label, w)
    return _area_of_gain(label, amount, w) / best if best > 0 else float("nan")


def _area_of_gain(label: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
    """Return the area between the gain curve and the diagonal; rows of equal score are taken together."""
    total = float(weight @ label)
    if total <= 0:
        return 0.0
    order = np.argsort(-np.asarray(score, dtype=np.float64), kind="stable")
    ordered = np.asarray(score)[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    share = np.r_[0, np.cumsum(np.add.reduceat(weight[order], starts))] / weight.sum()
    gain = np.r_[0, np.cumsum(np.add.reduceat((weight * label)[order], starts))] / total
    return float(np.trapezoid(gain, share) - 0.5)


def bootstrap_weights(groups: np.ndarray, samples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield `samples` times how often each row is drawn, shape (n,): customers are drawn, with all of their rows."""
    generator = np.random.default_rng(seed)
    _, codes = np.unique(groups, return_inverse=True)
    customers = int(codes.max()) + 1
    for _ in range(samples):
        yield np.bincount(generator.integers(0, customers, customers), minlength=customers)[codes]


def bootstrap_aucs(
    label: np.ndarray,
    scores: dict[str, np.ndarray],
    groups: np.ndarray,
    samples: int,
    seed: int,
    weight: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Return `samples` areas of each contender, drawn in pairs: sample k takes the same rows for all of them.

    `groups` names each row's customer: customers are drawn, with all of their rows, since those are alike.
    """
    rankings = {name: Ranking(label, score) for name, score in scores.items()}
    drawn: dict[str, list[float]] = {name: [] for name in scores}
    for picks in bootstrap_weights(groups, samples, seed):
        times = picks if weight is None else picks * weight
        for name, ranking in rankings.items():
            drawn[name].append(ranking.auc(times))
    return {name: np.array(values) for name, values in drawn.items()}


def mean_and_error(values: np.ndarray, groups: np.ndarray, weight: np.ndarray | None = None) -> tuple[float, float]:
    """Return the mean of the values (n,) and its standard error, rows of one customer (`groups`, (n,)) not being independent.

    Notes
    -----
    The linearised, cluster-robust error of a ratio: W. Cochran, Sampling Techniques, 1977, section 6.
    """
    _, codes = np.unique(groups, return_inverse=True)
    w = np.ones(len(values)) if weight is None else np.asarray(weight, dtype=np.float64)
    centre = mean(values, weight)
    residuals = np.bincount(codes, weights=w * (values - centre))
    clusters = len(residuals)
    spread = clusters / max(clusters - 1, 1) * float(residuals @ residuals)
    return centre, float(np.sqrt(spread)) / float(w.sum())


def bootstrap_mean(
    values: np.ndarray, groups: np.ndarray, samples: int, seed: int, weight: np.ndarray | None = None
) -> np.ndarray:
    """Return `samples` means of the values (n,), customers drawn with all of their rows."""
    _, codes = np.unique(groups, return_inverse=True)
    w = np.ones(len(values)) if weight is None else np.asarray(weight, dtype=np.float64)
    sums, weights = np.bincount(codes, weights=w * values), np.bincount(codes, weights=w)
    generator = np.random.default_rng(seed)
    customers = len(sums)
    means = np.empty(samples)
    for number in range(samples):
        picks = np.bincount(generator.integers(0, customers, customers), minlength=customers)
        means[number] = picks @ sums / (picks @ weights)
    return means
