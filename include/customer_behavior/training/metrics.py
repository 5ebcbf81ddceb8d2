"""How good probabilities are: ranking, calibration, loss, and how far the numbers may be off."""

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


def auc(label: np.ndarray, score: np.ndarray) -> float:
    """Return the area under the ROC curve, NaN when there is one class only."""
    return Ranking(label, score).auc()


def brier(label: np.ndarray, probability: np.ndarray) -> float:
    """Return the mean squared error of the probability."""
    return float(np.mean((probability - label) ** 2))


def row_log_loss(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return each row's negative log likelihood, nats."""
    p = np.clip(probability, CLIP, 1 - CLIP)
    return -(label * np.log(p) + (1 - label) * np.log1p(-p))


def log_loss(label: np.ndarray, probability: np.ndarray) -> float:
    """Return the mean negative log likelihood, nats."""
    return float(np.mean(row_log_loss(label, probability)))


def calibration_error(label: np.ndarray, probability: np.ndarray) -> float:
    """Return the mean gap between predicted and realised over ten bins of equal size; equal probabilities share a bin."""
    edges = np.quantile(probability, np.arange(1, BINS) / BINS)
    bins = np.searchsorted(edges, probability, side="left")
    gap = np.bincount(bins, weights=np.asarray(probability, dtype=np.float64) - label, minlength=BINS)
    return float(np.abs(gap).sum() / len(bins))


def lift_at_tenth(label: np.ndarray, probability: np.ndarray) -> float:
    """Return the positive rate of the top tenth over the base rate, NaN without a positive.

    Rows with the probability at which the tenth ends are taken in part, as if drawn from them at random.
    """
    base = label.mean()
    if base == 0:
        return float("nan")
    size = -(-len(label) // BINS)
    limit = np.sort(probability)[-size]
    above, at = probability > limit, probability == limit
    hits = label[above].sum() + (size - above.sum()) * label[at].mean()
    return float(hits / size / base)


def average_precision(label: np.ndarray, probability: np.ndarray) -> float:
    """Return the average precision, NaN without a positive."""
    return float(average_precision_score(label, probability)) if label.any() else float("nan")


def bootstrap_aucs(
    label: np.ndarray, scores: dict[str, np.ndarray], groups: np.ndarray, samples: int, seed: int
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
        for name, ranking in rankings.items():
            drawn[name].append(ranking.auc(picks[codes]))
    return {name: np.array(values) for name, values in drawn.items()}
