"""Segments as rules: conditions on features that can be applied, stored as JSON, and said in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from customer_behavior.settings import Feature

AT_MOST, AT_MOST_OR_MISSING, ABOVE = "<=", "<= or missing", ">"
MISSING, PRESENT = "is missing", "is not missing"
OPERATORS = (AT_MOST, AT_MOST_OR_MISSING, ABOVE, MISSING, PRESENT)


@dataclass(frozen=True)
class Condition:
    """One condition on a feature; `value` is None for the two that ask only whether there is a value."""

    feature: str
    op: str
    value: float | None = None


Rule = tuple[Condition, ...]


def rule_to_json(rule: Rule) -> list[dict[str, Any]]:
    """Return the rule as it is stored."""
    return [asdict(condition) for condition in rule]


def rule_from_json(content: Iterable[Mapping[str, Any]]) -> Rule:
    """Return a stored rule; an unknown operator is a ValueError."""
    rule = tuple(Condition(**condition) for condition in content)
    for condition in rule:
        if condition.op not in OPERATORS:
            raise ValueError(f"condition on {condition.feature} has the unknown operator {condition.op!r}")
    return rule


def matches(frame: pd.DataFrame, rule: Rule) -> np.ndarray:
    """Return which rows fulfil every condition, shape (n,)."""
    mask = np.ones(len(frame), dtype=bool)
    for condition in rule:
        values = pd.to_numeric(frame[condition.feature], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        missing = np.isnan(values)
        if condition.op == MISSING:
            mask &= missing
        elif condition.op == PRESENT:
            mask &= ~missing
        elif condition.op == ABOVE:
            mask &= values > condition.value
        elif condition.op == AT_MOST:
            mask &= values <= condition.value
        else:
            mask &= missing | (values <= condition.value)
    return mask


def simplify(conditions: Sequence[Condition]) -> Rule:
    """Return the conditions of a tree's path with one upper and one lower bound a feature, in order of appearance."""
    kept: dict[tuple[str, str], Condition] = {}
    for condition in conditions:
        side = "lower" if condition.op in (ABOVE, PRESENT) else "upper"
        before = kept.get((condition.feature, side))
        if before is None or _tighter(condition, before):
            kept[(condition.feature, side)] = condition
    return tuple(kept.values())


def _tighter(new: Condition, old: Condition) -> bool:
    if new.op in (MISSING, PRESENT) or old.op in (MISSING, PRESENT):
        # "is missing" is the tightest upper bound, "is not missing" the loosest lower one.
        return new.op == MISSING or old.op == PRESENT
    assert new.value is not None and old.value is not None
    return new.value > old.value if new.op == ABOVE else new.value <= old.value


def in_words(rule: Rule, catalogue: Mapping[str, Feature]) -> str:
    """Return the rule as a reader of features.yaml would say it."""
    return "; ".join(_condition_in_words(condition, catalogue[condition.feature]) for condition in rule)


def _condition_in_words(condition: Condition, feature: Feature) -> str:
    name = feature.meaning[0].lower() + feature.meaning[1:]
    if condition.op == MISSING:
        return f"{name}: none"
    if condition.op == PRESENT:
        return f"{name}: any"
    value = f"{condition.value:.4g}"
    if condition.op == ABOVE:
        return f"{name} above {value}"
    return f"{name} at most {value}" + (" or none" if condition.op == AT_MOST_OR_MISSING else "")
