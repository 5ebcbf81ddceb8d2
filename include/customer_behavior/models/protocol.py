"""What scoring and evaluation need of a model, whatever its kind."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd

MODEL_FILE = "model.json"


class Model(Protocol):
    """A fitted and calibrated model."""

    @property
    def kind(self) -> str:
        """Name of the kind, which the files carry."""

    @property
    def features(self) -> tuple[str, ...]:
        """The columns it reads, in order."""

    @property
    def card(self) -> dict[str, Any]:
        """The model card: the dates, rows and hyperparameters it was made from, its seed and the versions of the libraries."""

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return calibrated probabilities or amounts, shape (n,)."""

    def explain(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the predictions (n,) and what each feature adds to their log-odds, or logarithm (n, features)."""

    def files(self) -> dict[str, bytes]:
        """Return the model as files, the same bytes for the same model."""


def description(model: Model, **parts: Any) -> bytes:
    """Return a model's JSON file: its kind, features and card, and what its kind adds."""
    content = {"kind": model.kind, "features": list(model.features), "card": model.card, **parts}
    return json.dumps(content, sort_keys=True, indent=1).encode()


def card_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the model card of a model's JSON file; files written before version 0.2 have it under another name."""
    card: dict[str, Any] = content["card"] if "card" in content else content["recipe"]
    return card
