"""Snapshots: values by hand, and nothing of the as-of date or later in them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from customer_behavior.errors import NotReadyError
from customer_behavior.features import snapshot
from customer_behavior.names import Role
from customer_behavior.settings import load_settings
from customer_behavior.stages.ingest_events import ingest
from support import small_shop
from support.small_shop import line

AS_OF = date(2024, 3, 11)  # a Monday


@pytest.fixture
def shop(warehouse, tmp_path, monkeypatch):
    """Load {batch date: lines} and build a snapshot."""
    for name, value in small_shop.configure(tmp_path, {"on_missing": "empty", "max_lateness_days": 60}).items():
        monkeypatch.setenv(name, value)

    def load(batches: dict[date, list[dict]]) -> None:
        for day, lines in batches.items():
            small_shop.land(tmp_path / "landing", day, lines)
            ingest(warehouse, small_shop.SOURCE, day, day)

    return load


def taken(warehouse, as_of: date = AS_OF) -> list[dict]:
    with warehouse.begin("score") as connection:
        found = connection.execute(
            sa.text("SELECT * FROM features.customer_snapshot WHERE as_of_date = :day ORDER BY customer_id"),
            {"day": as_of},
        )
        return [dict(row) for row in found.mappings()]


def at(days_ago: int, hour: int = 10) -> str:
    return f"{AS_OF - timedelta(days=days_ago)} {hour}:00:00"


def batch(days_ago: int) -> date:
    return AS_OF - timedelta(days=days_ago)


def test_values_are_those_counted_by_hand(warehouse, shop):
    shop(
        {
            batch(40): [
                line(at(40), basket="a", price="10", units=2, off="2.5"),
                line(at(40), basket="a", item="tea", price="5"),
            ],
            batch(10): [line(at(10, 18), basket="b", price="30", group="wine")],
            batch(9): [line(at(9), type="view", basket="v", price="")],
            batch(2): [line(at(2, 18), basket="c", price="8"), line(at(2, 20), basket="d", price="7", units=-1)],
            batch(1): [line(at(1), type="view", customer="c2", basket="w", price="")],
        }
    )
    assert snapshot.build(warehouse, load_settings(), AS_OF) == 2
    first, second = taken(warehouse)
    expected = {
        "days_since_event": 2, "days_since_purchase": 2, "tenure_days": 40,
        "orders_7d": 1, "orders_28d": 2, "orders_90d": 3,
        "purchase_days_7d": 1, "purchase_days_28d": 2, "purchase_days_90d": 3,
        "revenue_7d": 8, "revenue_28d": 38, "revenue_90d": 63,
        "views_28d": 1, "carts_28d": 0, "sessions_28d": 4, "purchase_lines_28d": 2, "returned_value_90d": 7,
        "orders_lifetime": 3, "revenue_lifetime": 63, "order_value_90d": 21, "lines_per_order_90d": pytest.approx(4 / 3),
        "discount_share_90d": pytest.approx(5 / 68), "products_per_order_90d": pytest.approx(4 / 3),
        "categories_per_day_90d": 1, "weekend_share_90d": pytest.approx(1 / 3), "gap_mean_days": 19,
        "gap_std_days": pytest.approx(11 * 2**0.5), "cycle_position": pytest.approx(2 / 19),
        "orders_trend_28d": pytest.approx((2 / 28) / (3 / 90)), "best_hour": 18, "best_weekday": 3,
    }  # fmt: skip
    got = {name: value for name, value in first.items() if name in expected}
    # Purchase days: 31 January (Wednesday), 1 March (Friday), 9 March (Saturday): each weekday once, the earliest wins.
    assert got == expected
    nothing = {name for name, value in second.items() if value is None}
    assert {
        "days_since_purchase",
        "days_since_cart",
        "order_value_90d",
        "gap_mean_days",
        "orders_trend_28d",
        "flagged",
    } <= nothing
    told = {name: value for name, value in second.items() if value not in (0, None)}
    assert told == {
        "as_of_date": AS_OF, "customer_id": "c2", "days_since_event": 1, "days_since_view": 1, "tenure_days": 1,
        **{f"{name}_{days}d": 1 for name in ("events", "views", "sessions") for days in (1, 7, 28, 90)},
        **{f"{name}_trend_28d": pytest.approx(90 / 28) for name in ("events", "views", "sessions")},
        "views_per_session_28d": 1, "morning_share_90d": 1, "weekend_event_share_90d": 1,
    }  # fmt: skip


@pytest.mark.parametrize(("days_ago", "window"), [(7, 7), (28, 28), (90, 90)])
def test_windows_hold_their_first_day_and_not_the_one_before(warehouse, shop, days_ago, window):
    shop({batch(100): [line(at(100), basket="old")], batch(days_ago): [line(at(days_ago))]})
    shop({batch(days_ago + 1): [line(at(days_ago + 1), basket="before")], batch(1): []})
    snapshot.build(warehouse, load_settings(), AS_OF)
    assert taken(warehouse)[0][f"orders_{window}d"] == 1


def test_nothing_of_the_as_of_date_or_later_is_in_a_snapshot(warehouse, shop):
    shop({batch(5): [line(at(5))], batch(1): [line(at(1), basket="b2")]})
    snapshot.build(warehouse, load_settings(), AS_OF)
    before = taken(warehouse)
    shop(
        {
            AS_OF: [line(at(0), basket="now", price="999"), line(at(3), basket="late", price="999")],
            AS_OF + timedelta(days=3): [
                line(at(-3), basket="then", price="999"),
                line(at(2), basket="later", price="999"),
            ],
        }
    )
    snapshot.build(warehouse, load_settings(), AS_OF)
    assert taken(warehouse) == before
    snapshot.build(warehouse, load_settings(), AS_OF + timedelta(days=1))
    assert taken(warehouse, AS_OF + timedelta(days=1))[0]["revenue_28d"] == pytest.approx(5 + 2 * 999)


def test_a_date_whose_batch_is_missing_is_not_ready(warehouse, shop):
    shop({batch(2): [line(at(2))]})
    with pytest.raises(
        NotReadyError, match="as-of date 2024-03-11 is not ready: source till has no batch for 2024-03-10"
    ):
        snapshot.build(warehouse, load_settings(), AS_OF)


def test_only_if_missing_keeps_what_is_there_until_its_past_is_loaded_again(warehouse, shop):
    shop({batch(1): [line(at(1))]})
    build: dict[str, Any] = {"role": Role.TRAIN, "only_if_missing": True}
    assert snapshot.build(warehouse, load_settings(), AS_OF, **build) == 1
    shop({AS_OF: [line(at(0), customer="c3")]})  # of no concern to it
    snapshot.build(warehouse, load_settings(), AS_OF, **build)
    with warehouse.begin() as connection:
        writes = "SELECT count(*) FROM monitoring.write_audit WHERE table_name = 'features.customer_snapshot'"
        assert connection.execute(sa.text(writes)).scalar_one() == 1
    shop({batch(1): [line(at(1)), line(at(1), customer="c2")]})
    assert snapshot.build(warehouse, load_settings(), AS_OF, **build) == 2
