"""Segments the model gets wrong: found on one half of the customers, confirmed on the other.

A shallow regression tree on outcome minus probability cuts the first half into nested segments, and of each branch the
one furthest off for its size is taken: leaves alone would splinter a segment that one condition describes. Each is then
judged on the second half, which took no part in finding it, by a z-test of realised against predicted, corrected for the
number of segments tried. With many customers any gap is significant, so a confirmed segment is off by a margin as well.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customer_behavior.evaluation.metrics import row_log_loss
from customer_behavior.monitoring.error_segments.segment_rules import (
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
    """Return up to `max_clusters` segments, those with most outcomes away from what was predicted first.

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
    rules = _furthest_off(values[finding], label[finding], probability[finding], limits, seed)
    loss = row_log_loss(label, probability)
    found = []
    for rule in rules:
        inside = matches(values, rule)
        judged = inside & ~finding
        if not judged.any() or inside.all():
            continue
        p_value = min(1.0, len(rules) * two_sided_p(deviation(label[judged], probability[judged])))
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
    return sorted(
        found, key=lambda cluster: (-cluster.n * abs(cluster.realised - cluster.mean_predicted), cluster.description)
    )


def first_half(customers: Sequence[str], seed: int) -> np.ndarray:
    """Return which customers serve to find segments: drawn by a hash of their id, the same each time, shape (n,)."""
    hashed = pd.util.hash_array(np.asarray(customers, dtype=object), hash_key=f"{seed:016d}"[:16], categorize=False)
    return hashed % 2 == 0


def deviation(label: np.ndarray, probability: np.ndarray) -> float:
    """Return how many standard deviations the sum of outcomes is above its expectation, if every probability is right."""
    spread = math.sqrt(float(np.sum(probability * (1 - probability))))
    gap = float(np.sum(label) - np.sum(probability))
    if spread == 0:
        return 0.0 if gap == 0 else math.copysign(math.inf, gap)
    return gap / spread


def two_sided_p(deviations: float) -> float:
    """Return how likely a normal value is at least so many standard deviations from its mean, on either side."""
    return math.erfc(abs(deviations) / math.sqrt(2))


def _furthest_off(
    values: pd.DataFrame, label: np.ndarray, probability: np.ndarray, limits: ErrorLimits, seed: int
) -> list[Rule]:
    """Return segments of the finding half that share no customer, the furthest off first."""
    candidates = []
    for rule in _nodes(values, label - probability, limits, seed):
        inside = matches(values, rule)
        candidates.append((abs(deviation(label[inside], probability[inside])), inside, rule))
    candidates.sort(key=lambda candidate: -candidate[0])
    taken = np.zeros(len(values), dtype=bool)
    rules: list[Rule] = []
    for _, inside, rule in candidates:
        if len(rules) < limits.max_clusters and not (inside & taken).any():
            taken |= inside
            rules.append(rule)
    return rules


def _nodes(values: pd.DataFrame, residual: np.ndarray, limits: ErrorLimits, seed: int) -> list[Rule]:
    """Return every node of the tree but its root, as rules."""
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
        here = [simplify(path)] if path else []
        if nodes.children_left[node] == -1:
            return here
        name = str(values.columns[nodes.feature[node]])
        cut = float(nodes.threshold[node])
        if has_missing[name] and cut < lowest[name]:
            below, above = Condition(name, MISSING), Condition(name, PRESENT)
        else:
            below = Condition(name, AT_MOST_OR_MISSING if has_missing[name] else AT_MOST, cut)
            above = Condition(name, ABOVE, cut)
        left = walk(nodes.children_left[node], [*path, below])
        return here + left + walk(nodes.children_right[node], [*path, above])

    return walk(0, [])
