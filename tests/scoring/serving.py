"""Models that serve at once: fitted to a snapshot itself, so that a test of scoring waits for no training."""

import hashlib
from datetime import date

import numpy as np
import pandas as pd
import sqlalchemy as sa
import xgboost as xgb

from customer_behavior.models import BoostedTrees, Model, matrix, model_id, promotions
from customer_behavior.models.calibration import LogLine, Platt
from customer_behavior.settings import load_settings
from customer_behavior.warehouse import Warehouse

LEVELS = {"country": ["DE", "FR"], "device": ["app", 'a "quoted" phone']}


def snapshot_rows(warehouse: Warehouse, day: date) -> pd.DataFrame:
    """Return the snapshot of a date as PostgreSQL's driver reads it."""
    query = sa.text("SELECT * FROM features.customer_snapshot WHERE as_of_date = :day ORDER BY customer_id")
    with warehouse.begin() as connection:
        return pd.read_sql_query(query, connection, params={"day": day})


def trees(
    rows: pd.DataFrame, outcome: str = "binary:logistic", levels: dict[str, list[str]] | None = None
) -> BoostedTrees:
    """Return trees that tell recent buyers from others (the other way round on one device), or, as `reg:tweedie`, what they spent."""
    levels = levels or {}
    numbers = [name for name, feature in load_settings().features.items() if feature.kind == "number"]
    features = (*(name for name in numbers if not name.startswith(("purchase_days", "revenue"))), *levels)
    label = rows["purchase_days_28d"] > 1 if outcome.startswith("binary") else rows["revenue_90d"]
    if levels:
        label ^= rows["device"] == levels["device"][1]
    data = xgb.QuantileDMatrix(
        matrix(rows, features, levels),
        label=label.astype(float),
        feature_names=list(features),
        feature_types=["c" if name in levels else "q" for name in features],
        enable_categorical=True,
    )
    booster = xgb.train({"objective": outcome, "max_depth": 3, "seed": 1, "max_cat_to_onehot": 8}, data, 30)
    calibrator = Platt(0.9, 0.1) if outcome.startswith("binary") else LogLine(0.9, 0.1)
    return BoostedTrees(features, booster, calibrator, levels=levels)


def serve(warehouse: Warehouse, target: str, horizon_days: int, model: Model, effective_as_of: date) -> str:
    """Register a model's files and promote it; return its id."""
    files = model.files()
    name = model_id(files)
    with warehouse.begin() as connection:
        for file, content in files.items():
            connection.execute(
                sa.text(
                    "INSERT INTO models.model_files VALUES (:name, :file, :content, :digest) ON CONFLICT DO NOTHING"
                ),
                {"name": name, "file": file, "content": content, "digest": hashlib.sha256(content).hexdigest()},
            )
        promotions.promote(connection, target, horizon_days, name, effective_as_of, reason="as tested", actor="test")
    return name


def plain_reasons(row: pd.Series, shares: np.ndarray, features: tuple[str, ...]) -> list[dict]:
    """Return a customer's reasons, worked out one by one."""
    catalogue, found = load_settings().catalogue.columns, []
    for index in sorted(range(len(features)), key=lambda one: (-abs(shares[one]), one))[:3]:
        if abs(shares[index]) < 0.0005:
            continue
        value, feature = row[features[index]], catalogue[features[index]]
        missing = pd.isna(value)
        words = feature.missing if missing else feature.phrase.format(value=value)
        number = None if missing else value if isinstance(value, str) else round(float(value), 6)
        effect = round(float(shares[index]), 4)
        direction = "raises" if shares[index] > 0 else "lowers"
        found.append({"feature": features[index], "value": number, "effect": effect, "words": f"{words}: {direction}"})
    return found
