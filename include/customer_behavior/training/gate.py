"""The gate: does the challenger take over from the champion."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from customer_behavior.evaluation import metrics
from customer_behavior.settings import Gate
from customer_behavior.targets.outcome import Outcome


@dataclass(frozen=True)
class Decision:
    """Whether a challenger is good enough to serve, why, in a sentence with the numbers, and each check on its own."""

    accepted: bool
    reason: str
    checks: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """The rows that both models are judged on: later than the last label either one has learnt from.

    Attributes
    ----------
    label, weight, customers
        arrays of shape (n,); weight None where each row stands for itself
    segments
        name to a mask of shape (n,)
    """

    label: np.ndarray
    customers: np.ndarray
    weight: np.ndarray | None = None
    segments: Mapping[str, np.ndarray] = field(default_factory=dict)


def decide(
    judged: Judged,
    challenger: np.ndarray,
    champion: np.ndarray,
    champion_name: str,
    outcome: Outcome,
    *,
    another_procedure: bool,
    settings: Gate,
    samples: int,
    seed: int,
) -> Decision:
    """Compare two models by loss on the same rows, customers drawn in pairs.

    The challenger passes when the lower end of the 95 % interval of its gain is above `-max_loss`, it is calibrated (its
    error within what a calibrated model of that size has 95 times in 100, or no larger than the champion's), and in no
    segment is it surely worse by more than `max_loss`. Another procedure (hyperparameters, columns or kind of model) has to
    be surely better: its gain's lower end is above 0. The same procedure fitted on later days need not be: a champion grows old.

    Parameters
    ----------
    challenger, champion : array of shape (n,)
        Calibrated predictions.
    champion_name : str
        As the sentence calls it.
    """
    count = len(judged.label)
    if not count:
        return Decision(False, f"there are no test rows to compare it with {champion_name} on")
    gained = outcome.row_loss(judged.label, champion) - outcome.row_loss(judged.label, challenger)
    draws = metrics.bootstrap_mean(gained, judged.customers, samples, seed, judged.weight)
    low, high = (float(np.percentile(draws, percent)) for percent in (2.5, 97.5))
    gain = metrics.mean(gained, judged.weight)
    limit = 0.0 if another_procedure else -settings.max_loss
    checks: dict[str, Any] = {
        "gain": {
            "mean": gain,
            "low": low,
            "high": high,
            "limit": limit,
            "another_procedure": another_procedure,
            "passed": low > limit,
        },
        "segments": _segments(judged, gained, settings, samples, seed),
    }
    if outcome.kind == "probability":
        checks["calibration"] = _calibration(judged, challenger, champion, samples, seed)
    failed = [name for name, check in checks.items() if not check["passed"]]
    numbers = (
        f"{outcome.loss_name} {gain:.4f} lower than {champion_name} on {count} rows (95 %: {low:.4f} to {high:.4f})"
        if gain >= 0
        else f"{outcome.loss_name} {-gain:.4f} higher than {champion_name} on {count} rows (95 % of the gain: {low:.4f} to {high:.4f})"
    )
    if not failed:
        return Decision(True, f"{numbers}; calibration and segments hold", checks)
    return Decision(False, f"{numbers}: {'; '.join(_refusal(name, checks[name]) for name in failed)}", checks)


def _calibration(
    judged: Judged, challenger: np.ndarray, champion: np.ndarray, samples: int, seed: int
) -> dict[str, Any]:
    new = metrics.calibration_error(judged.label, challenger, judged.weight)
    old = metrics.calibration_error(judged.label, champion, judged.weight)
    chance = metrics.calibration_error_if_exact(challenger, samples, seed, judged.weight)
    return {"challenger": new, "champion": old, "chance": chance, "passed": new <= max(old, chance)}


def _segments(judged: Judged, gained: np.ndarray, settings: Gate, samples: int, seed: int) -> dict[str, Any]:
    """Return the upper end of the interval of the gain of each segment, the worst first."""
    highs = {}
    for name, mask in judged.segments.items():
        if mask.sum() < settings.minimum_segment_rows:
            continue
        weight = None if judged.weight is None else judged.weight[mask]
        draws = metrics.bootstrap_mean(gained[mask], judged.customers[mask], samples, seed, weight)
        highs[name] = float(np.percentile(draws, 97.5))
    worst = dict(sorted(highs.items(), key=lambda item: item[1]))
    return {
        "gain_high": worst,
        "limit": -settings.max_loss,
        "passed": all(high >= -settings.max_loss for high in worst.values()),
    }


def _refusal(name: str, check: Mapping[str, Any]) -> str:
    if name == "gain" and check["another_procedure"]:
        return "its procedure differs from the champion's, and it is not surely better"
    if name == "gain":
        return f"it may be more than {-check['limit']:g} worse"
    if name == "calibration":
        return (
            f"its probabilities are {check['challenger']:.3f} off on average, the champion's {check['champion']:.3f}, "
            f"and chance alone explains {check['chance']:.3f}"
        )
    segment, high = next(iter(check["gain_high"].items()))
    return f"it is worse for {segment} (gain at most {high:.4f})"
