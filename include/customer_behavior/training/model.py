"""Models: how they predict, explain themselves, and turn into files and back."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd

from customer_behavior.errors import CheckFailedError
from customer_behavior.training.calibration import Platt

# Read when XGBoost's library loads. Threads that wait for each other by spinning take the cores from whoever they wait
# for: a fit of 2 s took 33 s on 2 cores with other work on them.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
import xgboost as xgb

BOOSTER_FILE = "booster.ubj"
MODEL_FILE = "model.json"
ID_LENGTH = 20


class Model(Protocol):
    """What scoring and evaluation need of a model, whatever its kind."""

    @property
    def kind(self) -> str:
        """Name of the kind, which the files carry."""

    @property
    def features(self) -> tuple[str, ...]:
        """The columns it reads, in order."""

    @property
    def recipe(self) -> dict[str, Any]:
        """What it was made of: dates, rows, parameters, seed, versions."""

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return calibrated probabilities, shape (n,)."""

    def explain(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return calibrated probabilities (n,) and what each feature adds to the log-odds (n, features)."""

    def files(self) -> dict[str, bytes]:
        """Return the model as files, the same bytes for the same model."""


def matrix(rows: pd.DataFrame, features: tuple[str, ...]) -> np.ndarray:
    """Return the features as float32, NaN where there is no value.

    Raises
    ------
    CheckFailedError
        When a column is gone.
    """
    gone = [name for name in features if name not in rows.columns]
    if gone:
        raise CheckFailedError(
            f"features.customer_snapshot has no column {', '.join(gone)}, which the model reads: bring the column back, or "
            "run train_models with features.yaml as it is now"
        )
    return rows[list(features)].to_numpy(dtype=np.float32, na_value=np.nan)


@dataclass(frozen=True)
class BoostedTrees:
    """XGBoost with a Platt calibrator."""

    features: tuple[str, ...]
    booster: xgb.Booster
    calibrator: Platt
    recipe: dict[str, Any] = field(default_factory=dict)
    kind: str = "xgboost"

    def margin(self, rows: pd.DataFrame) -> np.ndarray:
        """Return uncalibrated log-odds, shape (n,)."""
        values = matrix(rows, self.features)
        return self.booster.inplace_predict(values, predict_type="margin") if len(values) else np.zeros(0)

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return calibrated probabilities, shape (n,)."""
        return self.calibrator.probability(self.margin(rows))

    def explain(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return probabilities (n,) and contributions (n, features): exact SHAP values, in calibrated log-odds."""
        values = matrix(rows, self.features)
        if not len(values):  # a bucket may be empty
            return np.zeros(0), np.zeros((0, len(self.features)))
        data = xgb.DMatrix(values, feature_names=list(self.features))
        shares = self.booster.predict(data, pred_contribs=True)[:, :-1].astype(np.float64)
        return self.predict(rows), self.calibrator.slope * shares

    def files(self) -> dict[str, bytes]:
        """Return the booster in XGBoost's UBJ, the rest in JSON."""
        calibrator = {"slope": self.calibrator.slope, "intercept": self.calibrator.intercept}
        return {
            BOOSTER_FILE: bytes(self.booster.save_raw("ubj")),
            MODEL_FILE: _description(self, calibrator=calibrator),
        }


@dataclass(frozen=True)
class BaseRate:
    """The same probability for everyone: what a shop gets that has too little history for more."""

    probability: float
    recipe: dict[str, Any] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    kind: str = "base_rate"

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return the base rate for each row, shape (n,)."""
        return np.full(len(rows), self.probability)

    def explain(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the base rate (n,) and no contributions (n, 0)."""
        return self.predict(rows), np.zeros((len(rows), 0))

    def files(self) -> dict[str, bytes]:
        """Return the one JSON file."""
        return {MODEL_FILE: _description(self, probability=self.probability)}


def fit_booster(
    rows: np.ndarray,
    label: np.ndarray,
    features: tuple[str, ...],
    parameters: dict[str, float | int],
    seed: int,
    threads: int,
    weight: np.ndarray | None = None,
) -> xgb.Booster:
    """Return trees fitted to rows (n, features) and labels (n,); the same data and seed give the same trees.

    `weight`, shape (n,), has to have a mean of 1: `min_child_weight` and `reg_lambda` are counted in it.
    """
    chosen = dict(parameters)
    rounds = int(chosen.pop("n_estimators"))
    data = xgb.QuantileDMatrix(
        rows, label=label, weight=weight, feature_names=list(features), missing=np.nan, nthread=threads
    )
    fixed = {"objective": "binary:logistic", "tree_method": "hist", "seed": seed, "nthread": threads}
    return xgb.train({**chosen, **fixed}, data, num_boost_round=rounds)


def model_id(files: dict[str, bytes]) -> str:
    """Return the model's id, a hash of its files: the same files, the same id."""
    listing = "".join(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n" for name in sorted(files))
    return hashlib.sha256(listing.encode()).hexdigest()[:ID_LENGTH]


def from_files(files: dict[str, bytes]) -> Model:
    """Return the model that `files` hold; `files()` of it returns them again.

    Raises
    ------
    CheckFailedError
        When they hold no model this version can read.
    """
    try:
        described = json.loads(files[MODEL_FILE])
        if described["kind"] == "base_rate":
            return BaseRate(probability=described["probability"], recipe=described["recipe"])
        if described["kind"] != "xgboost":
            raise CheckFailedError(f"{MODEL_FILE} is of kind {described['kind']!r}, which this version cannot read")
        booster = xgb.Booster()
        booster.load_model(bytearray(files[BOOSTER_FILE]))
        return BoostedTrees(
            features=tuple(described["features"]),
            booster=booster,
            calibrator=Platt(**described["calibrator"]),
            recipe=described["recipe"],
        )
    except (KeyError, TypeError, ValueError, xgb.core.XGBoostError) as error:
        raise CheckFailedError(f"the model's files cannot be read: {type(error).__name__}: {error}") from error


def _description(model: Model, **parts: Any) -> bytes:
    content = {"kind": model.kind, "features": list(model.features), "recipe": model.recipe, **parts}
    return json.dumps(content, sort_keys=True, indent=1).encode()
