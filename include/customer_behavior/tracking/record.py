"""What is told to MLflow about one training, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from customer_behavior.errors import PlatformError


class TrackingError(PlatformError):
    """MLflow does not answer or refuses. No reason to stop: warn, and tell it again the next night."""


@dataclass(frozen=True)
class TrainingRecord:
    """One trained model.

    Attributes
    ----------
    target, horizon_days : what it predicts, and within how many days.
    as_of : the shop-local date of the training.
    model_id : the hash of the model's content; the same id is the same model, and becomes one version.
    kind : what sort of model it is, for instance ``xgboost`` or ``fallback``.
    parameters, metrics, tags : plain values. A metric that is not a finite number is left out.
    files : the model's own files by their path below ``model/``.
    report_html : the training's report, or None.
    """

    target: str
    horizon_days: int
    as_of: date
    model_id: str
    kind: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    files: Mapping[str, bytes]
    report_html: str | None

    def __post_init__(self) -> None:
        if not self.files:
            raise ValueError(f"model {self.model_id} has no files: nothing could be registered")
        for name in self.files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or not path.parts:
                raise ValueError(f"file {name!r} of model {self.model_id} is not a path below model/")


@dataclass(frozen=True)
class Logged:
    """Where a training is found in MLflow: its run, the version of the registered model, and the page to open."""

    run_id: str
    version: str
    url: str


def registered_name(target: str, horizon_days: int) -> str:
    """The name of the experiment and of the registered model.

    Examples
    --------
    >>> registered_name("purchase", 7)
    'purchase-7d'
    """
    return f"{target}-{horizon_days}d"
