"""Rules of whom to contact, and what each would have caught and earned on the test rows."""

from typing import Any

import numpy as np

from customer_behavior.errors import ConfigurationError

OVER = 0.65
"""The rule of thumb that marketing asks about."""


def thresholds(
    label: np.ndarray,
    probability: np.ndarray,
    contact_cost: float,
    sale_value: float,
    weight: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """Return one row per rule, columns as in models.thresholds without the model; empty without rows.

    Parameters
    ----------
    label : array of shape (n,)
        0 or 1; rows that no model was fitted, tuned or calibrated on.
    probability : array of shape (n,)
        Calibrated.
    contact_cost, sale_value : float
        Cost of a contact, and what it is worth when it comes true, shop currency.
    weight : array of shape (n,), optional
        How many rows each one stands for; `n` counts the rows that were read.

    Raises
    ------
    ConfigurationError
        When the cost is negative, the value not above 0, or one of them no finite number.

    Notes
    -----
    `best_profit` is the break-even rule: a contact pays on average where probability * value is at least its cost, so for
    calibrated probabilities no other threshold is expected to earn more (C. Elkan, The foundations of cost-sensitive
    learning, 2001). It is known before the test rows are seen, and its profit on them is therefore an honest estimate.
    The threshold with the highest profit on these same rows is not: it is picked because these rows flatter it.
    A contact is taken to change nothing: what came true came true without one. `recall` is 0 where nothing came true.
    """
    break_even = break_even_threshold(contact_cost, sale_value)
    if not len(label):
        return []
    return [
        {"rule": rule, **outcome_of(label, probability, threshold, contact_cost, sale_value, weight)}
        for rule, threshold in (("best_profit", break_even), ("over_65", OVER))
    ]


def break_even_threshold(contact_cost: float, sale_value: float) -> float:
    """Return the probability at which a contact earns what it costs; over 1 where none ever does."""
    if not (np.isfinite(contact_cost) and np.isfinite(sale_value) and contact_cost >= 0 and sale_value > 0):
        raise ConfigurationError(
            f"targets.yaml: contact: cost {contact_cost} and sale_value {sale_value} give no threshold: the cost has to be 0 "
            "or more and the value more than 0, in shop currency"
        )
    return float(contact_cost) / float(sale_value)


def outcome_of(
    label: np.ndarray,
    probability: np.ndarray,
    threshold: float,
    contact_cost: float,
    sale_value: float,
    weight: np.ndarray | None = None,
) -> dict[str, Any]:
    """Return what contacting everyone at `threshold` or more would have caught and earned."""
    w = np.ones(len(label)) if weight is None else np.asarray(weight, dtype=np.float64)
    contacted = np.asarray(probability) >= threshold
    reached, hits, all_hits = w[contacted].sum(), (w * label)[contacted].sum(), (w * label).sum()
    return {
        "threshold": float(threshold),
        "n": int(contacted.sum()),
        "share_contacted": float(reached / w.sum()),
        "precision": float(hits / reached) if reached else None,
        "recall": float(hits / all_hits) if all_hits else 0.0,
        "profit_per_customer": float((hits * sale_value - reached * contact_cost) / w.sum()),
        "contact_cost": float(contact_cost),
        "sale_value": float(sale_value),
    }
