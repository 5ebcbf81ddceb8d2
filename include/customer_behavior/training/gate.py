"""The gate: does the challenger take over from the champion."""

from dataclasses import dataclass

import numpy as np

from customer_behavior.training.metrics import log_loss


@dataclass(frozen=True)
class Decision:
    """Whether a challenger is good enough to serve, and why, in a sentence with the numbers."""

    accepted: bool
    reason: str


def decide(
    label: np.ndarray,
    challenger: np.ndarray,
    champion: np.ndarray,
    champion_id: str,
    allowed: float,
    weight: np.ndarray | None = None,
) -> Decision:
    """Compare two models by log loss on the same rows.

    Parameters
    ----------
    label : array of shape (n,)
        0 or 1; rows later than either model's fit and calibration.
    challenger, champion : array of shape (n,)
        Calibrated probabilities.
    allowed : float
        How much worse the challenger's mean log loss may be, nats. It is no bonus for being new: a champion grows old,
        and a challenger that is equal but for chance has seen later days.
    weight : array of shape (n,), optional
        How many rows each one stands for.
    """
    if not len(label):
        return Decision(False, f"there are no report rows to compare it with the champion {champion_id} on")
    new, old = log_loss(label, challenger, weight), log_loss(label, champion, weight)
    numbers = f"log loss {new:.4f} against {old:.4f} of the champion {champion_id} on the same {len(label)} rows"
    if new - old <= allowed:
        return Decision(True, f"{numbers}: not more than {allowed:g} worse")
    return Decision(False, f"{numbers}: more than {allowed:g} worse")
