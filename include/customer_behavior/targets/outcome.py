"""The two kinds of outcomes: whether something happens (a probability), and how much of it (an amount)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit

Kind = Literal["probability", "amount"]

TWEEDIE_POWER = 1.5
"""Between counts (1) and pure sizes (2): most customers spend nothing, some a little, few a lot."""
CLIP = 1e-15


def row_log_loss(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return each row's negative log likelihood, nats."""
    p = np.clip(probability, CLIP, 1 - CLIP)
    return -(label * np.log(p) + (1 - label) * np.log1p(-p))


def row_tweedie_deviance(label: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Return each row's Tweedie deviance of power 1.5; `label` is 0 or more.

    B. Jørgensen, The Theory of Dispersion Models, 1997, section 4.
    """
    mean = np.maximum(amount, 1e-9)
    return 4 * (np.sqrt(mean) + label / np.sqrt(mean) - 2 * np.sqrt(label))


@dataclass(frozen=True)
class Outcome:
    """What differs between a probability and an amount: the link, the loss, and what XGBoost is told."""

    kind: Kind
    row_loss: Callable[[np.ndarray, np.ndarray], np.ndarray]
    from_margin: Callable[[np.ndarray], np.ndarray]
    to_margin: Callable[[np.ndarray], np.ndarray]
    booster: Mapping[str, str | float]

    @property
    def loss_name(self) -> str:
        """How sentences call the loss."""
        return "log loss" if self.kind == "probability" else "Tweedie deviance"


def _logit(probability: np.ndarray) -> np.ndarray:
    p = np.clip(np.asarray(probability, dtype=np.float64), 1e-9, 1 - 1e-9)
    return np.log(p) - np.log1p(-p)


OUTCOMES: Mapping[Kind, Outcome] = {
    "probability": Outcome(
        kind="probability",
        row_loss=row_log_loss,
        from_margin=expit,
        to_margin=_logit,
        booster={"objective": "binary:logistic", "eval_metric": "logloss"},
    ),
    "amount": Outcome(
        kind="amount",
        row_loss=row_tweedie_deviance,
        from_margin=np.exp,
        to_margin=lambda amount: np.log(np.maximum(np.asarray(amount, dtype=np.float64), 1e-9)),
        booster={
            "objective": "reg:tweedie",
            "tweedie_variance_power": TWEEDIE_POWER,
            "eval_metric": f"tweedie-nloglik@{TWEEDIE_POWER}",
        },
    ),
}
