"""Are there enough rows, and do their labels tell anything apart?"""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd

from customer_behavior.data_quality.usability.finding import Finding, numbered
from customer_behavior.targets.outcome import Kind

EXTREME_RATE = 0.005
"""Share of the rarer outcome under which its probabilities are mostly noise."""
MOVED_ERRORS = 4.0
"""Standard errors a rate has to move by: chance, and customers who are in both parts, do less."""
MOVED_SHARE = 0.2
"""And the share of itself it has to move by: a large shop sees every small move."""
MINIMUM_OF_OUTCOME = 5

MORE_HISTORY = (
    "load more history with load_history (a date needs 28 days before it and a horizon behind it), or widen"
    " targets.<target>.population.days in include/config/targets.yaml"
)


def enough_rows(
    parts: Mapping[str, pd.DataFrame], kind: Kind, minimum_rows: int, minimum_positives: int
) -> list[Finding]:
    """Return the parts without rows, and what the fit has too few of."""
    empty = [name for name in {"fit": None, **parts} if name not in parts or not len(parts[name])]
    if empty:
        needed = [name for name in empty if name != "tune"]
        return [
            Finding(
                "blocking" if needed else "warning",
                "empty_part",
                f"there are no rows to {_purpose(empty)}: nobody is asked on those dates, or there are no such dates",
                MORE_HISTORY,
                {"parts": empty},
            )
        ]
    fit = parts["fit"]
    findings = []
    if len(fit) < minimum_rows:
        findings.append(
            Finding(
                "blocking",
                "few_rows",
                f"{numbered(len(fit), 'row')} to fit, fewer than minimum_rows {minimum_rows:,}",
                MORE_HISTORY,
                {"rows": len(fit), "minimum_rows": minimum_rows},
            )
        )
    label = fit["label"].to_numpy(dtype=np.float64)
    rarer, asked = _rarer(label, kind), "above 0" if kind == "amount" else "of the rarer outcome"
    if 0 < rarer < minimum_positives:
        findings.append(
            Finding(
                "blocking",
                "few_positives",
                f"{numbered(rarer, 'row')} {asked} to fit, fewer than minimum_positives {minimum_positives:,}",
                f"{MORE_HISTORY}, or ask for a longer horizon there",
                {"rows": len(fit), "rarer": rarer, "minimum_positives": minimum_positives},
            )
        )
    return findings


def usable_labels(parts: Mapping[str, pd.DataFrame], kind: Kind) -> list[Finding]:
    """Return the parts whose labels no model can be fitted to or judged on."""
    findings = []
    for name, rows in parts.items():
        label = rows["label"].to_numpy(dtype=np.float64)
        wrong = ~np.isfinite(label) | ((label < 0) if kind == "amount" else ~np.isin(label, (0, 1)))
        if wrong.any():
            meant = "an amount of 0 or more" if kind == "amount" else "0 or 1"
            findings.append(
                Finding(
                    "blocking",
                    "unusable_label",
                    f"{numbered(int(wrong.sum()), 'label')} to {_purpose([name])} are not {meant}, the first {label[wrong][0]:g}",
                    "correct include/sql/targets/labels/<label>.sql, or the label column of the table, so that each row has one",
                    {"part": name, "rows": int(wrong.sum())},
                )
            )
        elif (label == label[0]).all():
            findings.append(
                Finding(
                    "blocking" if name == "fit" else "warning",
                    "one_class",
                    f"all {numbered(len(label), 'row')} to {_purpose([name])} have the same label, {label[0]:g}",
                    "look whether purchases reach the warehouse (event_types in include/sources/<source>.yaml), and whether"
                    " horizon and population of the target in include/config/targets.yaml leave the question open",
                    {"part": name, "label": float(label[0]), "rows": len(label)},
                )
            )
    return findings


def label_rates(parts: Mapping[str, pd.DataFrame], kind: Kind) -> list[Finding]:
    """Return a rate at the edge of what can be learned, and a rate that moved between parts by more than chance."""
    findings = []
    rates = {name: _rate(rows, kind) for name, rows in parts.items()}
    if kind == "probability" and "fit" in rates:
        rate = rates["fit"][0]
        if 0 < min(rate, 1 - rate) < EXTREME_RATE:
            findings.append(
                Finding(
                    "warning",
                    "extreme_rate",
                    f"{rate:.2%} of the rows to fit are positive: probabilities this near to an end are hard to tell apart",
                    "ask for a longer horizon, or narrow targets.<target>.population in include/config/targets.yaml to those"
                    " for whom the question is open",
                    {"rate": rate},
                )
            )
    moved = [(abs(_errors(*rates[a], *rates[b])), a, b) for a, b in pairwise(rates) if _moved(*rates[a], *rates[b])]
    if moved:
        _, before, after = max(moved)
        shown = {name: rate for name, (rate, _) in rates.items()}
        form = "{:.1%}" if kind == "probability" else "{:,.2f}"
        findings.append(
            Finding(
                "warning",
                "rate_moved",
                f"the label's mean went from {form.format(shown[before])} on the dates to {_purpose([before])} to"
                f" {form.format(shown[after])} on those to {_purpose([after])}, more than chance",
                "look for a campaign, a season or a feed that stopped on those dates (raw.ingest_batches); if it lasts, lower"
                " training.fit_snapshots in include/config/targets.yaml, so that the fit is nearer to today",
                {"rates": shown, "before": before, "after": after},
            )
        )
    return findings


def _rarer(label: np.ndarray, kind: Kind) -> int:
    positives = int((label > 0).sum())
    return positives if kind == "amount" else min(positives, len(label) - positives)


def _rate(rows: pd.DataFrame, kind: Kind) -> tuple[float, float]:
    """Return the weighted mean of the label and its standard error.

    A share is exact for the rows that are stood for, however they were sampled, so those count; of amounts, those read.
    """
    weight, label = rows["weight"].to_numpy(dtype=np.float64), rows["label"].to_numpy(dtype=np.float64)
    rate = float(np.average(label, weights=weight))
    if kind == "probability":
        return rate, float(np.sqrt(max(rate * (1 - rate), 1e-12) / weight.sum()))
    spread = np.average((label - rate) ** 2, weights=weight) * (weight @ weight) / weight.sum() ** 2
    return rate, float(np.sqrt(max(spread, 1e-24)))


def _errors(rate: float, error: float, later: float, later_error: float) -> float:
    return float((later - rate) / np.hypot(error, later_error))


def _moved(rate: float, error: float, later: float, later_error: float) -> bool:
    """Return whether a rate moved by more than chance, and by a share of itself that matters.

    Of a share, of the rarer outcome: 95 % to 97 % is as far as 5 % to 3 %.
    """
    base = min(max(rate, later), max(1 - rate, 1 - later)) if max(rate, later) <= 1 else max(abs(rate), abs(later))
    far = abs(_errors(rate, error, later, later_error)) >= MOVED_ERRORS
    return far and abs(later - rate) >= MOVED_SHARE * base


def _purpose(parts: list[str]) -> str:
    verbs = {"fit": "fit", "tune": "tune", "calibration": "calibrate", "test": "test"}
    return " and ".join(verbs[name] for name in parts)
