"""Reports to render: outcomes drawn from known probabilities, the shipped catalogue, no training."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from customer_behavior.evaluation.evaluation import evaluate, gain_table
from customer_behavior.evaluation.thresholds import thresholds
from customer_behavior.reporting import ReportData
from customer_behavior.settings import load_settings
from customer_behavior.targets.outcome import OUTCOMES

FEATURES = ("days_since_purchase", "orders_28d", "revenue_90d", "views_7d", "tenure_days", "carts_7d", "purchase_days_90d",
            "sessions_28d", "days_since_view", "discount_90d", "returned_value_90d", "events_trend_28d", "views_1d")  # fmt: skip
AS_OF = date(2026, 3, 1)
CUTOFFS = {
    "fit": [AS_OF - timedelta(days=7 * week) for week in range(20, 8, -1)],
    "tune": [AS_OF - timedelta(days=49)],
    "calibration": [AS_OF - timedelta(days=35), AS_OF - timedelta(days=28)],
    "test": [AS_OF - timedelta(days=7)],
}


def purchase(rows: int = 3000, seed: int = 3, **changes: Any) -> ReportData:
    """Return the report of a model that is right about purchases, beside three that know less."""
    generator = np.random.default_rng(seed)
    sample = _features(generator, rows)
    effects = _effects(sample)
    odds = -1.2 + effects.sum(axis=1)
    right = 1 / (1 + np.exp(-odds))
    label = (generator.random(rows) < right).astype(float)
    predictions = {
        "model": right,
        "xgboost": right,
        "logistic_regression": 1 / (1 + np.exp(-(odds + generator.normal(0, 0.2, rows)))),
        "frequency": 1 / (1 + np.exp(-(-1.2 + effects[:, 1] + effects[:, 6]))),
        "base_rate": np.full(rows, label.mean() if rows else 0.3),
    }
    customers = np.arange(rows).astype(str)
    evaluations = (
        evaluate(label, predictions, OUTCOMES["probability"], customers, 50, 1, served="xgboost") if rows else []
    )
    data = ReportData(
        target="purchase", horizon_days=7, meaning="buys at least once within the horizon", kind="probability",
        as_of=AS_OF, currency="USD", model_id="0f3c9a51d2e84b7c6a10", model_kind="xgboost", confidence="normal", why=None,
        served="xgboost", cutoffs=CUTOFFS,
        rows={"fit": 21_480, "tune": 2_051, "calibration": 4_020, "test": rows},
        positives={"fit": 6_512, "tune": 640, "calibration": 1_236, "test": int(label.sum())},
        label=label, predictions=predictions, weight=None, evaluations=evaluations, gains=gain_table(label, right),
        thresholds=thresholds(label, right, 1.5, 12.0),
        findings=[
            {"position": 1, "severity": "warning", "finding": "label_rate_drift", "statement": "The share of buyers fell from "
             "34.1 % to 28.7 % within the window.", "fix": "Expect probabilities a little too high; look at the newest weeks.",
             "details": {}},
            {"position": 2, "severity": "note", "finding": "degenerate_column", "statement": "favourites_1d is 0 in 99.9 % of "
             "the rows.", "fix": "Nothing: the model leaves it out by itself.", "details": {}},
        ],
        trials=[
            {"trial": number, "state": "complete" if number % 5 else "pruned", "loss": 0.51 + 0.02 * float(generator.random())
             if number % 5 else None, "trees": 180, "chosen": number == 7,
             "parameters": {"max_depth": 3 + number % 3, "learning_rate": 0.03127, "subsample": 0.8}}
            for number in range(24)
        ],
        decision={
            "accepted": True, "promoted": True,
            "reason": "log loss 0.5093 against 0.5120 of the champion 77ab on the same 3000 rows",
            "checks": {"log_loss": {"passed": True, "gain": 0.0027, "gain_low": 0.0004, "allowed": -0.002},
                       "calibration": {"passed": True, "ece": 0.012}, "segments": {"passed": False, "worst": "new customers"}},
        },
        sample=sample.head(2000), contributions=effects[:2000], features=FEATURES, catalogue=load_settings().features,
        duration_seconds=184.0, libraries={"numpy": "2.3.5", "scikit-learn": "1.9.1", "xgboost": "3.2.0"},
    )  # fmt: skip
    return replace(data, **changes)


def spend(rows: int = 3000) -> ReportData:
    """Return the report of a model of amounts, half of which are 0."""
    data = purchase(rows)
    generator = np.random.default_rng(5)
    mean = 40 * data.predictions["model"]
    label = np.where(generator.random(rows) < 0.5, 0.0, 2 * mean * generator.gamma(2, 0.5, rows))
    predictions = {
        "model": mean,
        "xgboost": mean,
        "frequency": 0.5 * mean + 5,
        "base_rate": np.full(rows, label.mean()),
    }
    evaluations = evaluate(label, predictions, OUTCOMES["amount"], np.arange(rows).astype(str), 50, 1, served="xgboost")
    return replace(
        data, target="value", horizon_days=28, meaning="spends this much within the horizon", kind="amount", label=label,
        predictions=predictions, gains=gain_table(label, mean), thresholds=[], evaluations=evaluations,
    )  # fmt: skip


def base_rate(rows: int = 400) -> ReportData:
    """Return the report of a shop that is served by the base rate."""
    data = purchase(rows)
    same = np.full(rows, 0.31)
    return replace(
        data, model_kind="base_rate", confidence="low", why="312 rows to fit, fewer than minimum_rows 500", served="base_rate",
        predictions={"model": same}, gains=gain_table(data.label, same), thresholds=thresholds(data.label, same, 1.5, 12.0),
        evaluations=evaluate(data.label, {"model": same}, OUTCOMES["probability"], np.arange(rows).astype(str), 20, 1), trials=[],
        features=(), contributions=np.zeros((min(rows, 2000), 0)),
    )  # fmt: skip


def empty() -> ReportData:
    """Return the report of a training without test rows."""
    return replace(
        base_rate(), label=np.empty(0), predictions={"model": np.empty(0)}, evaluations=[], gains=pd.DataFrame(), thresholds=[],
        rows={"fit": 0, "tune": 0, "calibration": 0, "test": 0}, positives={}, contributions=None, decision=None,
        sample=pd.DataFrame(), cutoffs={"fit": [], "tune": [], "calibration": [], "test": []},
    )  # fmt: skip


def one_class(value: float) -> ReportData:
    """Return a report whose outcomes are all `value`."""
    data = purchase(500)
    label = np.full(500, value)
    return replace(
        data, label=label, gains=gain_table(label, data.predictions["model"]),
        thresholds=thresholds(label, data.predictions["model"], 1.5, 12.0),
        evaluations=evaluate(
            label, data.predictions, OUTCOMES["probability"], np.arange(500).astype(str), 5, 1, served="xgboost"
        ),
    )  # fmt: skip


def _features(generator: np.random.Generator, rows: int) -> pd.DataFrame:
    values = {name: generator.gamma(1.5, 4, rows).round() for name in FEATURES}
    values["days_since_purchase"] = np.where(generator.random(rows) < 0.15, np.nan, values["days_since_purchase"] * 4)
    return pd.DataFrame(values)


def _effects(sample: pd.DataFrame) -> np.ndarray:
    """Return made-up effects (n, features), largest for the first features."""
    sizes = 1.1 / (1 + np.arange(len(FEATURES)))
    values = sample.fillna(sample.max() * 1.5) if len(sample) else sample
    standard = (values - values.mean()) / values.std() if len(values) > 1 else values * 0
    return standard.to_numpy() * sizes * np.where(np.arange(len(FEATURES)) == 0, -1, 1)
