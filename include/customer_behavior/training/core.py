"""From labelled rows to a calibrated model beside its baselines. No database here: any frame with a label will do."""

import logging
import os
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from customer_behavior.settings import TargetKey, Training
from customer_behavior.training.baselines import fit_baselines
from customer_behavior.training.calibration import fit_platt
from customer_behavior.training.cutoffs import Cutoffs
from customer_behavior.training.dataset import Dataset
from customer_behavior.training.evaluation import MODEL, evaluate, gain_table
from customer_behavior.training.model import BaseRate, BoostedTrees, Model, fit_booster, matrix
from customer_behavior.training.sampling import fit_weights, row_weights, weighted_counts

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A model with what it was made from and how it did."""

    key: TargetKey
    cutoffs: Cutoffs
    data: Dataset
    model: Model
    evaluations: list[dict[str, Any]]
    gains: pd.DataFrame


def train(
    data: Dataset, cutoffs: Cutoffs, key: TargetKey, as_of: date, features: tuple[str, ...], settings: Training
) -> Trained:
    """Return the calibrated model of these rows beside its baselines; too few rows give the base rate, with the reason."""
    recipe = _recipe(data, cutoffs, key, as_of, settings)
    model: Model | None = None
    too_little = _too_little(data, cutoffs, settings)
    if too_little is None:
        rows, label = matrix(data.fit, features), data.fit["label"].to_numpy()
        weight = fit_weights(row_weights(data.fit))
        booster = fit_booster(rows, label, features, settings.xgboost, settings.seed, os.cpu_count() or 1, weight)
        del rows  # as large as the frame it was taken from
        margin = booster.inplace_predict(matrix(data.calibration, features), predict_type="margin")
        calibrator = fit_platt(margin, data.calibration["label"].to_numpy(), row_weights(data.calibration))
        if calibrator.slope > 0:
            model = BoostedTrees(features, booster, calibrator, {**recipe, "confidence": "normal"})
        else:
            too_little = "the trees rank the later calibration rows no better than chance"
    if model is None:
        model = _base_rate(data, {**recipe, "confidence": "low", "why": str(too_little)})
        log.warning("%s as of %s is served by the base rate: %s", key, as_of, too_little)
    evaluations, gains = _report(model, data, features, settings)
    return Trained(key, cutoffs, data, model, evaluations, gains)


def _too_little(data: Dataset, cutoffs: Cutoffs, settings: Training) -> str | None:
    """Return why no trees can be fitted, None when they can."""
    if not cutoffs.complete:
        return "the shop is too young for separate dates to fit, calibrate and report"
    rows, positives = len(data.fit), int(data.fit["label"].sum())
    if rows < settings.minimum_rows:
        return f"{rows} rows to fit, fewer than minimum_rows {settings.minimum_rows}"
    rarer = min(positives, rows - positives)
    if rarer < settings.minimum_positives:
        return f"{rarer} rows of the rarer outcome to fit, fewer than minimum_positives {settings.minimum_positives}"
    for name, part in (("calibration", data.calibration), ("report", data.report)):
        if part.empty:
            return f"nobody is in the population at the {name} dates"
    return None


def _base_rate(data: Dataset, recipe: dict[str, Any]) -> BaseRate:
    """Return the share of positives outside the report, with one pseudo-observation of each class."""
    count, positives = np.sum([weighted_counts(part) for part in (data.fit, data.calibration)], axis=0)
    return BaseRate(probability=float((positives + 1) / (count + 2)), recipe=recipe)


def _recipe(data: Dataset, cutoffs: Cutoffs, key: TargetKey, as_of: date, settings: Training) -> dict[str, Any]:
    parts = {"fit": data.fit, "calibration": data.calibration, "report": data.report}
    sampled = {name: part for name, part in parts.items() if row_weights(part) is not None}
    described = {
        "target": key.target,
        "horizon_days": key.horizon_days,
        "trained_as_of": str(as_of),
        "cutoffs": {name: [str(day) for day in getattr(cutoffs, name)] for name in parts},
        "rows": {name: len(part) for name, part in parts.items()},
        "positives": {name: int(part["label"].sum()) for name, part in parts.items()},
        "parameters": dict(settings.xgboost),
        "seed": settings.seed,
        "libraries": {name: version(name) for name in ("numpy", "scikit-learn", "xgboost")},
    }
    if sampled:  # not a word of it where all rows were read: a model's id is a hash of its recipe too
        counts = {name: weighted_counts(part) for name, part in sampled.items()}
        described["sampled_from"] = {
            name: {"rows": round(rows), "positives": round(positives)} for name, (rows, positives) in counts.items()
        }
    return described


def _report(
    model: Model, data: Dataset, features: tuple[str, ...], settings: Training
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Return the numbers of the model and its baselines on the report rows, and the model's gain table."""
    if data.report.empty:
        return [], pd.DataFrame()
    label = data.report["label"].to_numpy(dtype=float)
    probabilities = {MODEL: model.predict(data.report)}
    if data.fit["label"].nunique() == 2 and len(data.calibration):
        baselines = fit_baselines(data.fit, data.calibration, features)
        probabilities |= {name: predict(data.report) for name, predict in baselines.items()}
    customers = data.report["customer_id"].to_numpy(dtype=str)
    weight = row_weights(data.report)
    evaluations = evaluate(label, probabilities, customers, settings.bootstrap_samples, settings.seed, weight)
    return evaluations, gain_table(label, probabilities[MODEL], weight)
