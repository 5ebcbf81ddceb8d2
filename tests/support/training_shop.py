"""A shop old enough to train on, and calls of its trainings."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from customer_behavior.models import BaseRate
from customer_behavior.settings import TargetKey
from customer_behavior.stages import train_models
from customer_behavior.training.core import Trained
from customer_behavior.warehouse import Warehouse
from support.rollup_shop import FIRST_DAY

DAYS = 120
AS_OF = FIRST_DAY + timedelta(days=DAYS)
WEEK_BEFORE = AS_OF - timedelta(days=7)
LATENESS = timedelta(days=7)
"""`max_lateness_days` of its source: labels are whole so long after their window."""
PURCHASE = TargetKey(target="purchase", horizon_days=7)


def train(warehouse: Warehouse, as_of: date = AS_OF, **options: Any) -> list[dict[str, Any]]:
    options = {"promote": True, "run_id": "test", "targets": [PURCHASE], **options}
    return train_models.train_targets(warehouse, as_of, **options)


def table(warehouse: Warehouse, query: str) -> list[tuple]:
    with warehouse.begin() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def expecting_everybody(trained: Trained) -> Trained:
    """The training as if it had ended in a model that expects everybody to buy, and had been judged as such."""
    backtest = trained.backtest
    card = {**trained.model.card, "served": "base_rate"}
    judged = {name: content for name, content in card.items() if name != "refit"}
    said = {**backtest.predictions, "model": np.full(len(backtest.rows), 0.99)}
    return replace(
        trained,
        model=BaseRate(0.99, card=card),
        judged=BaseRate(0.99, card=judged),
        contender="base_rate",
        backtest=replace(backtest, predictions=said),
    )
