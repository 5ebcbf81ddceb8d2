"""The same prediction for everyone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from customer_behavior.models.protocol import MODEL_FILE, card_of, description


@dataclass(frozen=True)
class BaseRate:
    """The share or the mean of everyone: what is left where nothing tells customers apart."""

    value: float
    card: dict[str, Any] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    kind: str = "base_rate"

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return the value for each row, shape (n,)."""
        return np.full(len(rows), self.value)

    def explain(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the value (n,) and no contributions (n, 0)."""
        return self.predict(rows), np.zeros((len(rows), 0), dtype=np.float32)

    def files(self) -> dict[str, bytes]:
        """Return the one JSON file."""
        return {MODEL_FILE: description(self, value=self.value)}

    @classmethod
    def from_content(cls, content: Mapping[str, Any], files: Mapping[str, bytes]) -> "BaseRate":
        """Return the model that `files()` wrote."""
        return cls(value=content["value"], card=card_of(content))
