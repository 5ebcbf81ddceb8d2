"""How good probabilities are: ranking, calibration, loss, and how far the numbers may be off.

`weight`, shape (n,), is how many rows each one stands for: every number is then that of the rows it would be without the
sampling. None: each stands for itself.
"""

import numpy as np
from sklearn.metrics import average_precision_score

BINS = 10
CLIP = 1e-15


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


def row_log_loss(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return each row's negative log likelihood, nats."""
    p = np.clip(probability, CLIP, 1 - CLIP)
    return -(label * np.log(p) + (1 - label) * np.log1p(-p))


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
    generator = np.random.default_rng(seed)
    _, codes = np.unique(groups, return_inverse=True)
    customers = int(codes.max()) + 1
    rankings = {name: Ranking(label, score) for name, score in scores.items()}
    drawn: dict[str, list[float]] = {name: [] for name in scores}
    for _ in range(samples):
        picks = np.bincount(generator.integers(0, customers, customers), minlength=customers)
        times = picks[codes] if weight is None else picks[codes] * weight
        for name, ranking in rankings.items():
            drawn[name].append(ranking.auc(times))
    return {name: np.array(values) for name, values in drawn.items()}
