"""Trees and a regression, averaged: what bends and what is straight."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from customer_behavior.models.calibration import Calibrator, calibrator_from
from customer_behavior.models.linear import Linear
from customer_behavior.models.protocol import MODEL_FILE, card_of, description
from customer_behavior.models.trees import BoostedTrees

TREES, REGRESSION = "trees/", "regression/"
"""Folders of the parts' files."""


@dataclass(frozen=True)
class Blend:
    """The mean of two uncalibrated margins, calibrated. Both parts read the same features."""

    trees: BoostedTrees
    regression: Linear
    calibrator: Calibrator
    card: dict[str, Any] = field(default_factory=dict)
    kind: str = "blend"

    @property
    def features(self) -> tuple[str, ...]:
        """The columns it reads, in order."""
        return self.trees.features

    def margin(self, rows: pd.DataFrame) -> np.ndarray:
        """Return uncalibrated log-odds, or logarithms of the amount, shape (n,)."""
        return (self.trees.margin(rows) + self.regression.margin(rows)) / 2

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return calibrated probabilities or amounts, shape (n,)."""
        return self.calibrator.predict(self.margin(rows))

    def explain(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return predictions (n,) and contributions (n, features): the mean of what a feature adds in either part.

        Shapley values of a sum are the sums of those of its parts.
        """
        (curved, of_trees), (straight, of_regression) = self.trees.shares(rows), self.regression.shares(rows)
        margin, shares = (curved + straight) / 2, (of_trees + of_regression) / 2
        return self.calibrator.predict(margin), self.calibrator.contributions(margin, shares)

    def files(self) -> dict[str, bytes]:
        """Return the parts' files in a folder each, and one JSON file."""
        parts = {
            folder + name: content
            for folder, part in ((TREES, self.trees), (REGRESSION, self.regression))
            for name, content in part.files().items()
        }
        return {**parts, MODEL_FILE: description(self, calibrator=self.calibrator.content())}

    @classmethod
    def from_content(cls, content: Mapping[str, Any], files: Mapping[str, bytes]) -> "Blend":
        """Return the model that `files()` wrote."""
        return cls(
            trees=BoostedTrees.from_files(_inside(files, TREES)),
            regression=Linear.from_files(_inside(files, REGRESSION)),
            calibrator=calibrator_from(content["calibrator"]),
            card=card_of(content),
        )


def _inside(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    return {name.removeprefix(folder): content for name, content in files.items() if name.startswith(folder)}
