"""Classes of recency, frequency and money: a baseline, and what serves a shop that has too little data for more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from customer_behavior.models.matrix import matrix
from customer_behavior.models.protocol import MODEL_FILE, card_of, description
from customer_behavior.targets.outcome import OUTCOMES, Kind


@dataclass(frozen=True)
class RfmClasses:
    """The mean outcome of a customer's class; a class is a quantile of each feature, or "no value".

    Attributes
    ----------
    edges
        feature to the ascending upper ends of its classes but the last
        A feature with k edges has k + 2 classes: those between the edges, and the rows without a value.
    values
        for 0, 1, ... features, the mean of each class by so many of them, the last feature's class running fastest
        A class that had no rows has the value of the class by one feature fewer.
    outcome
        what the values are, probabilities or amounts
    """

    features: tuple[str, ...]
    edges: Mapping[str, tuple[float, ...]]
    values: tuple[tuple[float, ...], ...]
    outcome: Kind = "probability"
    card: dict[str, Any] = field(default_factory=dict)
    kind: str = "rfm"

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return the mean outcome of each row's class, shape (n,)."""
        return self._by_depth(rows)[-1]

    def explain(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return predictions (n,) and contributions (n, features), in log-odds, or logarithms of an amount.

        A feature's contribution is what its class adds to the classes of the features before it: recency against everyone,
        frequency among customers of that recency, money among those of both. With the log-odds of everyone they sum to
        those of the prediction.
        """
        means = self._by_depth(rows)
        shares = np.diff(OUTCOMES[self.outcome].to_margin(np.array(means)), axis=0)
        return means[-1], shares.T.astype(np.float32)

    def _by_depth(self, rows: pd.DataFrame) -> list[np.ndarray]:
        """Return each row's mean by 0, 1, ... features, shape (n,) each."""
        classes = _classes(rows, self.features, self.edges)
        return [np.array(means)[place] for means, place in zip(self.values, classes, strict=True)]

    def mapped(self, function: Callable[[np.ndarray], np.ndarray]) -> "RfmClasses":
        """Return the same classes with `function` of their values, for example calibrated on later rows."""
        return replace(self, values=tuple(tuple(map(float, function(np.array(means)))) for means in self.values))

    def files(self) -> dict[str, bytes]:
        """Return the one JSON file."""
        edges = {name: list(ends) for name, ends in self.edges.items()}
        values = [list(means) for means in self.values]
        return {MODEL_FILE: description(self, edges=edges, values=values, outcome=self.outcome)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "RfmClasses":
        """Return the model that `files()` wrote; a ValueError when its tables do not belong to its classes."""
        features = tuple(content["features"])
        edges = {name: tuple(map(float, content["edges"][name])) for name in features}
        values = tuple(tuple(map(float, means)) for means in content["values"])
        if [len(means) for means in values] != _sizes(features, edges) or content["outcome"] not in OUTCOMES:
            raise ValueError(f"{MODEL_FILE}: values or outcome are not those of the classes of {', '.join(features)}")
        return cls(features, edges, values, content["outcome"], card_of(content))


def fit_rfm(
    rows: pd.DataFrame,
    *,
    recency: str | None = "days_since_purchase",
    frequency: str | None = "purchase_days_90d",
    monetary: str | None = "revenue_90d",
    kind: Kind,
    classes: int = 5,
    card: dict[str, Any],
) -> RfmClasses:
    """Return the mean outcome by classes of recency, of recency and frequency, and of all three.

    Parameters
    ----------
    rows : DataFrame
        Columns `label` and `weight`, and those named; a column that is None, not there or not of numbers is left out. Without any, and
        without rows, everyone has the mean of all.
    classes : int
        Quantiles a feature is cut into; fewer where many rows share a value.

    Notes
    -----
    The mean of all has one pseudo-observation of each class where it is a probability. A class's mean is shrunk towards
    that of the class it is part of, by n / (n + K), where n is its rows and K the variance within classes over that
    between them: few rows, or classes that hardly differ, shrink more. H. Bühlmann and E. Straub, 1970.
    """
    asked = [name for name in (recency, frequency, monetary) if name is not None and name in rows.columns]
    features = tuple(name for name in asked if pd.api.types.is_numeric_dtype(rows[name]))  # a table's may be texts
    label = rows["label"].to_numpy(dtype=np.float64)
    weight = rows["weight"].to_numpy(dtype=np.float64)
    count, total = float(weight.sum()), float(weight @ label)
    base = (total + 1) / (count + 2) if kind == "probability" else total / max(count, 1.0)
    counted = weight / weight.mean() if len(rows) else weight
    edges = {name: _edges(matrix(rows, [name])[:, 0], counted, classes) for name in features}
    places = _classes(rows, features, edges)
    means = [np.array([base])]
    for place, size in zip(places[1:], _sizes(features, edges)[1:], strict=True):
        parent = np.repeat(means[-1], size // len(means[-1]))
        means.append(_shrunk(label, counted, place, parent))
    return RfmClasses(features, edges, tuple(tuple(map(float, one)) for one in means), kind, card)


def _edges(values: np.ndarray, weight: np.ndarray, classes: int) -> tuple[float, ...]:
    """Return the ends of classes of about equal weight, ascending, without those that would leave a class empty."""
    there = ~np.isnan(values)
    if not there.any():
        return ()
    cuts = np.arange(1, classes) / classes
    known = values[there].astype(np.float64)
    ends = np.unique(np.quantile(known, cuts, weights=weight[there], method="inverted_cdf"))
    return tuple(map(float, ends[ends < known.max()]))


def _sizes(features: tuple[str, ...], edges: Mapping[str, tuple[float, ...]]) -> list[int]:
    """Return how many classes there are by 0, 1, ... features."""
    return [int(size) for size in np.cumprod([1, *(len(edges[name]) + 2 for name in features)])]


def _classes(rows: pd.DataFrame, features: tuple[str, ...], edges: Mapping[str, tuple[float, ...]]) -> list[np.ndarray]:
    """Return each row's class by 0, 1, ... features, shape (n,) each."""
    values = matrix(rows, features)
    places = [np.zeros(len(rows), dtype=np.int64)]
    for column, name in enumerate(features):
        ends = np.array(edges[name])
        own = np.searchsorted(ends, values[:, column], side="left")
        own[np.isnan(values[:, column])] = len(ends) + 1
        places.append(places[-1] * (len(ends) + 2) + own)
    return places


def _shrunk(label: np.ndarray, weight: np.ndarray, place: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """Return the mean of each class, shrunk towards `parent`, shape (classes,) like it."""
    rows = np.bincount(place, weights=weight, minlength=len(parent))
    mean = np.divide(
        np.bincount(place, weights=weight * label, minlength=len(parent)), rows, parent.copy(), where=rows > 0
    )
    seen = int((rows > 0).sum())
    within = float(weight @ (label - mean[place]) ** 2) / max(rows.sum() - seen, 1.0)
    between = (float(rows @ (mean - parent) ** 2) - seen * within) / max(rows.sum(), 1.0)
    if between <= 0:  # the classes differ no more than chance lets them
        return parent.copy()
    credibility = rows / (rows + max(within / between, 1.0))
    return parent + credibility * (mean - parent)
