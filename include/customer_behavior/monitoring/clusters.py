"""Segments the model gets wrong: found on one half of the customers, confirmed on the other.

A shallow regression tree on outcome minus probability cuts the first half into segments. Each is then judged on the
second half, which took no part in finding it, by a z-test of realised against predicted, corrected for the number of
segments tried. With many customers any gap is significant, so a confirmed segment is off by a margin as well.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customer_behavior.monitoring.segments import (
    ABOVE,
    AT_MOST,
    AT_MOST_OR_MISSING,
    MISSING,
    PRESENT,
    Condition,
    Rule,
    in_words,
    matches,
    simplify,
)
from customer_behavior.settings import ErrorLimits, Feature
from customer_behavior.training.metrics import row_log_loss

LEAST_ROWS = 30  # fewer customers in a segment say nothing about a probability
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Cluster:
    """A segment. The counts and means are of all judged customers, the p-value is of the confirming half alone."""

    rule: Rule
    description: str
    n: int
    share: float
    mean_predicted: float
    realised: float
    log_loss: float
    log_loss_rest: float
    p_value: float
    confirmed: bool


def find_clusters(
    features: pd.DataFrame,
    customers: Sequence[str],
    probability: np.ndarray,
    label: np.ndarray,
    catalogue: Mapping[str, Feature],
    limits: ErrorLimits,
    least_gap: float,
    seed: int,
) -> list[Cluster]:
    """Return the segments with the largest gap between predicted and realised, worst first.

    Parameters
    ----------
    features : frame of shape (n, features)
        A column for each feature of the catalogue.
    customers, probability, label : shape (n,)
        Who, the probability, and 1 where the target came true, else 0.
    least_gap : float
        A segment is confirmed only when predicted and realised differ by at least this on the confirming half.
    """
    names = list(catalogue)
    values = features[names].apply(pd.to_numeric, errors="coerce").astype("float64")
    finding = first_half(customers, seed)
    residual = label - probability
    rules = _leaves(values[finding], residual[finding], limits, seed)
    loss = row_log_loss(label, probability)
    found = []
    for rule in rules:
        inside = matches(values, rule)
        judged = inside & ~finding
        if not judged.any() or inside.all():
            continue
        p_value = min(1.0, len(rules) * two_sided_p(label[judged], probability[judged]))
        gap = abs(residual[judged].mean())
        found.append(
            Cluster(
                rule=rule,
                description=in_words(rule, catalogue),
                n=int(inside.sum()),
                share=float(inside.mean()),
                mean_predicted=float(probability[inside].mean()),
                realised=float(label[inside].mean()),
                log_loss=float(loss[inside].mean()),
                log_loss_rest=float(loss[~inside].mean()),
                p_value=p_value,
                confirmed=bool(p_value < SIGNIFICANCE and gap >= least_gap),
            )
        )
    found.sort(
        key=lambda cluster: (
            not cluster.confirmed,
            -abs(cluster.realised - cluster.mean_predicted),
            cluster.description,
        )
    )
    return found[: limits.max_clusters]


def first_half(customers: Sequence[str], seed: int) -> np.ndarray:
    """Return which customers serve to find segments: drawn by a hash of their id, the same each time, shape (n,)."""
    hashed = pd.util.hash_array(np.asarray(customers, dtype=object), hash_key=f"{seed:016d}"[:16], categorize=False)
    return hashed % 2 == 0


def two_sided_p(label: np.ndarray, probability: np.ndarray) -> float:
    """Return how likely so large a gap is if every probability is right: a z-test of the sum of outcomes."""
    variance = float(np.sum(probability * (1 - probability)))
    gap = float(np.sum(label) - np.sum(probability))
    if variance == 0:
        return 1.0 if gap == 0 else 0.0
    return math.erfc(abs(gap) / math.sqrt(variance) / math.sqrt(2))


def _leaves(values: pd.DataFrame, residual: np.ndarray, limits: ErrorLimits, seed: int) -> list[Rule]:
    least = max(LEAST_ROWS, math.ceil(limits.min_share * len(values)))
    if len(values) < 2 * least:
        return []
    from sklearn.tree import DecisionTreeRegressor

    lowest = values.min().fillna(0.0)
    # A missing value stands below every other one, so that a cut can part it from them.
    tree = DecisionTreeRegressor(max_depth=limits.max_depth, min_samples_leaf=least, random_state=seed)
    tree.fit(values.fillna(lowest - 1).to_numpy(), residual)
    has_missing = values.isna().any()
    nodes = tree.tree_

    def walk(node: int, path: list[Condition]) -> list[Rule]:
        if nodes.children_left[node] == -1:
            return [simplify(path)] if path else []
        name = str(values.columns[nodes.feature[node]])
        cut = float(nodes.threshold[node])
        if has_missing[name] and cut < lowest[name]:
            below, above = Condition(name, MISSING), Condition(name, PRESENT)
        else:
            below = Condition(name, AT_MOST_OR_MISSING if has_missing[name] else AT_MOST, cut)
            above = Condition(name, ABOVE, cut)
        return walk(nodes.children_left[node], [*path, below]) + walk(nodes.children_right[node], [*path, above])

    return walk(0, [])
