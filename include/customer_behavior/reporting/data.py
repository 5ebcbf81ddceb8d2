"""What a report is made of, in plain values: no database, no files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from customer_behavior.settings import Feature
from customer_behavior.targets.outcome import Kind

SERVED = "model"
"""Key of the served model in `predictions`."""


@dataclass(frozen=True)
class ReportData:
    """A training, for `render`.

    Attributes
    ----------
    meaning : str
        What is predicted, as targets.yaml says it.
    model_kind : str
        Kind of the served model: xgboost, linear, rfm, base_rate.
    why : str or None
        Reason of a fallback.
    served : str
        Name of the contender that serves.
    cutoffs : dict
        Part (fit, tune, calibration, report) to its as-of dates.
    rows, positives : dict
        Part to its rows, and to those that came true (amounts: above 0).
    label : array of shape (n,)
        Of the test rows: 0 or 1, or amounts in `currency`.
    predictions : dict
        Contender to its predictions, shape (n,); the served one under "model".
    weight : array of shape (n,), optional
        How many rows each one stands for.
    evaluations, thresholds, findings, trials : list of dict
        Columns as in models.evaluations, thresholds, training_findings, tuning_trials.
    gains : DataFrame
        Columns as in models.gain_table.
    decision : dict, optional
        accepted, promoted, reason, checks: of the gate.
    sample : DataFrame
        Feature columns of test rows, at most 2,000 of them.
    contributions : array of shape (len(sample), features), optional
        In log-odds, or logarithms of the amount; a column per name in `features`.
    features : tuple of str
        What the served model reads, in its order.
    libraries : dict
        Name to version.
    entity : str
        What a row is, in the plural.
    refit : mapping
        dates, first, last and rows of what serves; empty where that is the fit that was judged.
    """

    target: str
    horizon_days: int
    meaning: str
    kind: Kind
    as_of: date
    currency: str
    model_id: str
    model_kind: str
    confidence: str
    why: str | None
    served: str
    cutoffs: Mapping[str, list[date]]
    rows: Mapping[str, int]
    positives: Mapping[str, int]
    label: np.ndarray
    predictions: Mapping[str, np.ndarray]
    weight: np.ndarray | None
    evaluations: list[dict[str, Any]]
    gains: pd.DataFrame
    thresholds: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    trials: list[dict[str, Any]]
    decision: Mapping[str, Any] | None
    sample: pd.DataFrame
    contributions: np.ndarray | None
    features: tuple[str, ...]
    catalogue: Mapping[str, Feature]
    duration_seconds: float
    libraries: Mapping[str, str] = field(default_factory=dict)
    entity: str = "customers"
    refit: Mapping[str, Any] = field(default_factory=dict)

    @property
    def prediction(self) -> np.ndarray:
        """The served model's predictions on the test rows, shape (n,)."""
        return self.predictions[SERVED]

    @property
    def is_amount(self) -> bool:
        """Whether the target is an amount; else a probability."""
        return self.kind == "amount"

    @property
    def measured(self) -> bool:
        """Whether there are test rows."""
        return len(self.label) > 0

    @property
    def both_outcomes(self) -> bool:
        """Whether the test rows have some that came true and some that did not."""
        return self.measured and float(np.min(self.label)) != float(np.max(self.label))

    @property
    def ranks(self) -> bool:
        """Whether the served model tells the test rows apart."""
        return self.measured and float(np.ptp(self.prediction)) > 0

    @property
    def unmeasurable(self) -> str | None:
        """Why order and calibration cannot be shown on the test rows, None where they can."""
        if not self.measured:
            return "there are no test rows"
        if not self.both_outcomes:
            return "the test dates have one outcome only"
        return None if self.ranks else "the model predicts the same for all"

    @property
    def served_row(self) -> dict[str, Any]:
        """The served model's row of `evaluations`, empty where there is none."""
        return next((row for row in self.evaluations if row["contender"] == SERVED), {})

    @property
    def rivals(self) -> list[dict[str, Any]]:
        """The other contenders' rows of `evaluations`; what serves stands there under its own name as well."""
        return [row for row in self.evaluations if row["contender"] not in (SERVED, self.served)]
