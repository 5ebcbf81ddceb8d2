"""XGBoost's trees with a calibrator."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from customer_behavior.models.calibration import Calibrator, calibrator_from
from customer_behavior.models.matrix import Levels, matrix
from customer_behavior.models.protocol import MODEL_FILE, card_of, description
from customer_behavior.targets.outcome import Outcome

# Read when XGBoost's library loads. Threads that wait for each other by spinning take the cores from whoever they wait
# for: a fit of 2 s took 33 s on 2 cores with other work on them.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
import xgboost as xgb

BOOSTER_FILE = "booster.ubj"


@dataclass(frozen=True)
class BoostedTrees:
    """Trees and what turns their margin into a prediction; `levels` are the codes of category columns."""

    features: tuple[str, ...]
    booster: xgb.Booster
    calibrator: Calibrator
    card: dict[str, Any] = field(default_factory=dict)
    levels: Levels = field(default_factory=dict)
    kind: str = "xgboost"

    def margin(self, rows: pd.DataFrame) -> np.ndarray:
        """Return uncalibrated log-odds, or logarithms of the amount, shape (n,)."""
        values = matrix(rows, self.features, self.levels)
        return self.booster.inplace_predict(values, predict_type="margin") if len(values) else np.zeros(0)

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return calibrated probabilities or amounts, shape (n,)."""
        return self.calibrator.predict(self.margin(rows))

    def explain(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return predictions (n,) and contributions (n, features): exact SHAP values, in calibrated log-odds or logarithms."""
        margin, shares = self.shares(rows)
        return self.calibrator.predict(margin), self.calibrator.contributions(margin, shares)

    def shares(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the margin (n,) and what each feature adds to it, exact SHAP values (n, features)."""
        values = matrix(rows, self.features, self.levels)
        if not len(values):  # a bucket may be empty
            return np.zeros(0), np.zeros((0, len(self.features)), dtype=np.float32)
        shares = self.booster.predict(tree_data(values, self.features, self.levels), pred_contribs=True)
        # Contributions and the constant behind them are the margin: one pass over the trees gives both.
        return shares.sum(axis=1, dtype=np.float64), shares[:, :-1]

    def files(self) -> dict[str, bytes]:
        """Return the booster in XGBoost's UBJ, the rest in JSON."""
        levels = {name: list(values) for name, values in self.levels.items()}
        return {
            BOOSTER_FILE: bytes(self.booster.save_raw("ubj")),
            MODEL_FILE: description(self, calibrator=self.calibrator.content(), levels=levels),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "BoostedTrees":
        """Return the trees whose `files()` these are."""
        return cls.from_content(json.loads(files[MODEL_FILE]), files)

    @classmethod
    def from_content(cls, content: Mapping[str, Any], files: Mapping[str, bytes]) -> "BoostedTrees":
        """Return the trees that `files()` wrote."""
        booster = xgb.Booster()
        booster.load_model(bytearray(files[BOOSTER_FILE]))
        return cls(
            features=tuple(content["features"]),
            booster=booster,
            calibrator=calibrator_from(content["calibrator"]),
            card=card_of(content),
            levels=content["levels"],
        )


def tree_data(values: np.ndarray, features: Sequence[str], levels: Levels, **options: Any) -> xgb.DMatrix:
    """Return a matrix (n, features) as XGBoost's own, category columns marked as such; `options` as of xgboost.DMatrix."""
    return xgb.DMatrix(values, **_described(features, levels), **options)


def quantile_data(values: np.ndarray, features: Sequence[str], levels: Levels, **options: Any) -> xgb.QuantileDMatrix:
    """Return a matrix (n, features) in bins, for fitting; `options` as of xgboost.QuantileDMatrix."""
    return xgb.QuantileDMatrix(values, **_described(features, levels), **options)


def booster_names(features: Sequence[str]) -> list[str]:
    """Return what features are called inside XGBoost, which refuses `[`, `]` and `<`, and names that are alike.

    Names without such signs stay as they are.
    """
    names: list[str] = []
    for place, name in enumerate(features):
        safe = "".join("_" if sign in "[]<" else sign for sign in name)
        alike = safe != name and (safe in features or safe in names)
        names.append(f"{safe}_{place}" if alike or not safe else safe)
    return names


def _described(features: Sequence[str], levels: Levels) -> dict[str, Any]:
    described: dict[str, Any] = {"feature_names": booster_names(features), "missing": np.nan}
    if levels:
        described |= {
            "feature_types": ["c" if name in levels else "q" for name in features],
            "enable_categorical": True,
        }
    return described


def fit_booster(
    rows: pd.DataFrame,
    features: tuple[str, ...],
    levels: Levels,
    outcome: Outcome,
    parameters: Mapping[str, float | int],
    seed: int,
    threads: int,
    weight: np.ndarray | None = None,
    monotone: Mapping[str, int] | None = None,
) -> xgb.Booster:
    """Return trees fitted to rows with `features` and `label`; the same data and seed give the same trees.

    `weight`, shape (n,), has to have a mean of 1: `min_child_weight` and `reg_lambda` are counted in it. `monotone` has 1
    for features that may only raise the prediction, -1 for those that may only lower it.
    """
    data = quantile_data(
        matrix(rows, features, levels), features, levels, label=rows["label"].to_numpy(), weight=weight, nthread=threads
    )
    chosen = dict(parameters)
    rounds = int(chosen.pop("n_estimators"))
    return xgb.train(
        booster_parameters(chosen, features, outcome, seed, threads, monotone), data, num_boost_round=rounds
    )


def booster_parameters(
    chosen: Mapping[str, Any],
    features: Sequence[str],
    outcome: Outcome,
    seed: int,
    threads: int,
    monotone: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Return what XGBoost is told: the hyperparameters and what every fit of ours has in common."""
    called = dict(zip(features, booster_names(features), strict=True))
    constraints = {called[name]: sign for name, sign in (monotone or {}).items() if name in called}
    return {
        **chosen,
        **outcome.booster,
        "tree_method": "hist",
        "seed": seed,
        "nthread": threads,
        **({"monotone_constraints": constraints} if constraints else {}),
    }
