"""A small warehouse for the stages after scoring: events, snapshots, models and scores, written by hand."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from customer_behavior.settings import load_settings
from customer_behavior.warehouse import Warehouse, copy_frame, ensure_partitions

D = date(2024, 3, 10)
TRAINED = D - timedelta(days=30)
MODEL = "m1"


def days(n: int) -> timedelta:
    return timedelta(days=n)


def query(warehouse: Warehouse, statement: str, **parameters: Any) -> list[dict[str, Any]]:
    """Return rows as dictionaries."""
    with warehouse.begin() as connection:
        return [dict(row) for row in connection.execute(sa.text(statement), parameters).mappings()]


def execute(warehouse: Warehouse, statement: str, **parameters: Any) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.text(statement), parameters)


def without(rows: Iterable[Mapping[str, Any]], *columns: str) -> list[dict[str, Any]]:
    """Return the rows without the columns that stamp a run."""
    return [{name: value for name, value in row.items() if name not in columns} for row in rows]


def write_events(warehouse: Warehouse, events: Sequence[Mapping[str, Any]]) -> None:
    """Write purchases, one each: customer_id, product_id, event_day, and what differs from a plain purchase."""
    rows = []
    for number, event in enumerate(events):
        day = event["event_day"]
        plain = {
            "event_id": f"e{number}",
            "event_time": f"{day} 12:00:00+00",
            "event_type": "purchase",
            "quantity": 1,
            "price": 1.0,
            "order_id": f"o{number}",
            "session_id": None,
            "batch_date": day,
            "source": "till",
        }
        rows.append({**plain, **event})
    frame = pd.DataFrame(rows)
    with warehouse.begin() as connection:
        for day in sorted(set(frame["event_day"])):
            ensure_partitions(connection, "raw.events", day, day)
        copy_frame(connection, "raw.events", frame)


def write_snapshot(
    warehouse: Warehouse, as_of: date, customers: pd.DataFrame | Mapping[str, Mapping[str, Any]]
) -> None:
    """Write a snapshot; features that are not given are 1. A frame needs customer_id, a mapping goes by it."""
    plain = dict.fromkeys(load_settings().features, 1)
    if isinstance(customers, pd.DataFrame):
        frame = customers.assign(**{name: 1 for name in plain if name not in customers})
    else:
        frame = pd.DataFrame(
            [{"customer_id": who, **plain, **values} for who, values in customers.items()], dtype=object
        )
    frame = frame.assign(as_of_date=as_of)
    with warehouse.begin() as connection:
        ensure_partitions(connection, "features.customer_snapshot", as_of, as_of)
        copy_frame(connection, "features.customer_snapshot", frame)


def write_model(
    warehouse: Warehouse,
    model_id: str = MODEL,
    *,
    why: str | None = None,
    confidence: str = "low",
    target: str = "purchase",
    horizon_days: int = 7,
    fit: Sequence[date] = (),
    calibration: Sequence[date] = (),
    trained_as_of: date = TRAINED,
    promoted: bool = True,
) -> None:
    """Register a model with its report, and promote it; `why` makes it one of low or medium confidence."""
    card = {"why": why, "confidence": confidence} if why else {}
    key = {"model_id": model_id, "target": target, "horizon_days": horizon_days, "trained": trained_as_of}
    execute(
        warehouse,
        "INSERT INTO models.model_versions (model_id, target, horizon_days, trained_as_of, card, fit_dates,"
        " calibration_dates, test_dates) VALUES (:model_id, :target, :horizon_days, :trained, cast(:card AS jsonb),"
        " cast(:fit AS date[]), cast(:calibration AS date[]), '{}')",
        card=json.dumps(card),
        fit=list(fit),
        calibration=list(calibration),
        **key,
    )
    execute(
        warehouse,
        "INSERT INTO models.model_files (model_id, name, content, sha256) VALUES (:model_id, 'model.json', :content, 'x')",
        model_id=model_id,
        content=json.dumps({"kind": "rfm" if why else "xgboost", "card": card}).encode(),
    )
    execute(
        warehouse,
        "INSERT INTO models.evaluations (model_id, contender, target, horizon_days, trained_as_of, n, base_rate, auc, brier,"
        " log_loss, ece) VALUES (:model_id, 'model', :target, :horizon_days, :trained, 1000, 0.5, 0.8, 0.2, 0.5, 0.02)",
        **key,
    )
    if promoted:
        execute(
            warehouse,
            "INSERT INTO models.promotions (target, horizon_days, effective_as_of, model_id, reason, actor)"
            " VALUES (:target, :horizon_days, :trained, :model_id, 'test', 'test')",
            **key,
        )


def write_scores(
    warehouse: Warehouse,
    as_of: date,
    probabilities: Mapping[str, float],
    *,
    target: str = "purchase",
    horizon_days: int = 7,
    model_id: str = MODEL,
) -> None:
    """Write a date's scores of one target, with ranks as the scoring stage makes them."""
    ids, values = list(probabilities), np.array(list(probabilities.values()), dtype=float)
    order = np.lexsort((np.array(ids), -values))
    decile = np.empty(len(ids), dtype=int)
    for number, part in enumerate(np.array_split(order, 10), start=1):
        decile[part] = number
    reasons = [{"feature": "orders_28d", "value": 4, "effect": 0.5, "words": "4 orders in the last 28 days: raises"}]
    frame = pd.DataFrame(
        {
            "as_of_date": as_of,
            "target": target,
            "horizon_days": horizon_days,
            "customer_id": ids,
            "probability": values,
            "percentile": [100 * (values < value).mean() for value in values],
            "decile": decile,
            "reasons": json.dumps(reasons),
            "model_id": model_id,
        }
    )
    with warehouse.begin() as connection:
        ensure_partitions(connection, "models.scores", as_of, as_of)
        copy_frame(connection, "models.scores", frame)


def write_rollup(warehouse: Warehouse, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write features.customer_day: customer_id, event_day, and what differs from one order at noon."""
    plain = {
        **dict.fromkeys(
            ("events", "purchase_lines", "orders", "sessions", "units", "revenue", "products", "categories"), 1
        ),
        **dict.fromkeys(("views", "carts", "cart_removals", "return_lines", "discount", "returned_value"), 0),
        "source": "till",
        "purchase_hours": hours(12),
    }
    frame = pd.DataFrame([{**plain, "batch_date": row["event_day"], **row} for row in rows])
    stamp = [f"{day} 12:00:00+00" for day in frame["event_day"]]
    with warehouse.begin() as connection:
        copy_frame(connection, "features.customer_day", frame.assign(first_event_at=stamp, last_event_at=stamp))


def hours(*begun: int) -> str:
    """Return the hours at which orders began, as PostgreSQL writes them."""
    return "{" + ",".join(map(str, begun)) + "}"
