"""The gate: does the challenger take over from the champion."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from customer_behavior.evaluation import metrics
from customer_behavior.evaluation.calibration_chance import calibration_error_if_exact
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
    surely: bool = False,
    settings: Gate,
    samples: int,
    seed: int,
) -> Decision:
    """Compare two models by loss on the same rows, customers drawn in pairs: the challenger need not be better, but newer.

    It passes unless it is surely worse and may be so by more than `max_loss` of the champion's own loss (the 95 % interval of
    its gain is below 0, and its lower end below that share), surely further from calibrated than the champion and than a
    calibrated model of that size is 95 times in 100, or in a segment surely worse by more than that share.

    Parameters
    ----------
    challenger, champion : array of shape (n,)
        Calibrated predictions.
    champion_name : str
        As the sentence calls it.
    surely : bool
        The challenger has to be surely better: a fallback takes over from a real model only then.
    """
    count = len(judged.label)
    if not count:
        return Decision(False, f"there are no test rows to compare it with {champion_name} on")
    theirs = outcome.row_loss(judged.label, champion)
    gained = theirs - outcome.row_loss(judged.label, challenger)
    gain = _gain(gained, judged, samples, seed)
    limit = -settings.max_loss * metrics.mean(theirs, judged.weight)
    checks: dict[str, Any] = {
        "gain": {
            **gain,
            "limit": 0.0 if surely else limit,
            "passed": gain["low"] > 0 if surely else gain["low"] > limit or gain["high"] > 0,
        },
        "segments": _segments(judged, gained, theirs, settings, samples, seed),
    }
    if outcome.kind == "probability":
        checks["calibration"] = _calibration(judged, challenger, champion, samples, seed)
    failed = [name for name, check in checks.items() if not check["passed"]]
    numbers = _numbers(gain, count, champion_name, outcome)
    if not failed:
        return Decision(True, f"{numbers}; calibration and segments hold", checks)
    return Decision(False, f"{numbers}: {'; '.join(_refusal(name, checks[name]) for name in failed)}", checks)


def surely_better(
    judged: Judged, searched: np.ndarray, kept: np.ndarray, outcome: Outcome, *, samples: int, seed: int
) -> Decision:
    """Return whether what a search found takes the place of the champion's procedure, both fitted on the same days.

    The lower end of the paired 95 % interval of its gain is above 0.
    """
    count = len(judged.label)
    if not count:
        return Decision(False, "there are no test rows to compare the search's result on")
    gained = outcome.row_loss(judged.label, kept) - outcome.row_loss(judged.label, searched)
    gain = _gain(gained, judged, samples, seed)
    passed = gain["low"] > 0
    numbers = _numbers(gain, count, "the champion's procedure, fitted on the same days,", outcome)
    taken = "is taken" if passed else "is not surely better, and left"
    return Decision(
        passed, f"what the search found {taken}: {numbers}", {"search": {**gain, "limit": 0.0, "passed": passed}}
    )


def _gain(gained: np.ndarray, judged: Judged, samples: int, seed: int) -> dict[str, float]:
    draws = metrics.bootstrap_mean(gained, judged.customers, samples, seed, judged.weight)
    low, high = (float(np.percentile(draws, percent)) for percent in (2.5, 97.5))
    return {"mean": metrics.mean(gained, judged.weight), "low": low, "high": high}


def _numbers(gain: Mapping[str, float], count: int, name: str, outcome: Outcome) -> str:
    mean, low, high = gain["mean"], gain["low"], gain["high"]
    if mean >= 0:
        return f"{outcome.loss_name} {mean:.4f} lower than {name} on {count} rows (95 %: {low:.4f} to {high:.4f})"
    return f"{outcome.loss_name} {-mean:.4f} higher than {name} on {count} rows (95 % of the gain: {low:.4f} to {high:.4f})"


def _calibration(
    judged: Judged, challenger: np.ndarray, champion: np.ndarray, samples: int, seed: int
) -> dict[str, Any]:
    """Return how far off both are; it fails where chance does not explain the challenger's error, nor that it is the larger one."""
    new = metrics.calibration_error(judged.label, challenger, judged.weight)
    old = metrics.calibration_error(judged.label, champion, judged.weight)
    chance = calibration_error_if_exact(judged.label, challenger, judged.customers, samples, seed, judged.weight)
    found = {"challenger": new, "champion": old, "chance": chance}
    if new <= max(old, chance):
        return {**found, "passed": True}
    own = np.ones(len(judged.label)) if judged.weight is None else judged.weight
    further = [
        metrics.calibration_error(judged.label, challenger, own * drawn)
        - metrics.calibration_error(judged.label, champion, own * drawn)
        for drawn in metrics.bootstrap_weights(judged.customers, samples, seed)
    ]
    low = float(np.percentile(further, 2.5))
    return {**found, "further_low": low, "passed": low <= 0}


def _segments(
    judged: Judged, gained: np.ndarray, theirs: np.ndarray, settings: Gate, samples: int, seed: int
) -> dict[str, Any]:
    """Return the upper end of the interval of the gain of each segment, as a share of the champion's loss there, the worst first."""
    highs = {}
    for name, mask in judged.segments.items():
        if mask.sum() < settings.minimum_segment_rows:
            continue
        weight = None if judged.weight is None else judged.weight[mask]
        draws = metrics.bootstrap_mean(gained[mask], judged.customers[mask], samples, seed, weight)
        loss = metrics.mean(theirs[mask], weight)
        highs[name] = float(np.percentile(draws, 97.5)) / loss if loss > 0 else 0.0
    worst = dict(sorted(highs.items(), key=lambda item: item[1]))
    return {
        "gain_high": worst,
        "limit": -settings.max_loss,
        "passed": all(high >= -settings.max_loss for high in worst.values()),
    }


def _refusal(name: str, check: Mapping[str, Any]) -> str:
    if name == "gain" and check["limit"] == 0:
        return "it is a fallback, and not surely better"
    if name == "gain":
        return f"it is surely worse, and may be so by more than {-check['limit']:.4g}"
    if name == "calibration":
        return (
            f"its probabilities are {check['challenger']:.3f} off on average, the champion's {check['champion']:.3f}, "
            f"and chance alone explains {check['chance']:.3f}"
        )
    segment, high = next(iter(check["gain_high"].items()))
    return f"it is worse for {segment} (by {-high:.2%} of the champion's loss at least)"
