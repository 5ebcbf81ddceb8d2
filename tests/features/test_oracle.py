"""Snapshots equal what the oracle works out from the events themselves; the oracle equals a shop counted by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from customer_behavior.features import snapshot
from customer_behavior.settings import load_settings
from features import oracle, random_shop

D = date(2024, 3, 11)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    for name, value in random_shop.configure(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path / "landing"


def built(warehouse, as_of: date) -> dict[str, dict]:
    snapshot.build(warehouse, load_settings(), as_of)
    return random_shop.taken(warehouse, as_of)


DATES = [
    random_shop.FIRST + timedelta(days=3),
    date(2023, 11, 6),  # the day after the clocks went back
    date(2024, 1, 1),
    *(date(2024, 1, 10) + timedelta(days=n) for n in range(0, 60, 7)),
    date(2024, 3, 11),  # the day after they went forward
    *(random_shop.LAST - timedelta(days=n) for n in range(7, -2, -1)),
]


@pytest.mark.parametrize("seed", range(4))
def test_snapshots_are_what_the_events_say(warehouse, shop, seed):
    random_shop.land(shop, random_shop.draw(seed))
    random_shop.load(warehouse, random_shop.FIRST, random_shop.LAST)
    for as_of, wanted in random_shop.expected(random_shop.events(warehouse), DATES).items():
        assert oracle.differences(built(warehouse, as_of), wanted) == [], as_of
    with warehouse.begin() as connection:
        made = connection.exec_driver_sql("SELECT count(*) FROM features.checkpoints").scalar_one()
    assert made >= 2, "the dates were to use checkpoints"


def test_the_random_shops_have_what_they_are_drawn_for(warehouse, shop):
    """Otherwise the comparison above may compare nothing with nothing."""
    random_shop.land(shop, random_shop.draw(0))
    random_shop.load(warehouse, random_shop.FIRST, random_shop.LAST)
    events = random_shop.events(warehouse)
    found = random_shop.expected(events, DATES)
    customers = [values for taken in found.values() for values in taken.values()]
    for column, feature in load_settings().catalogue.columns.items():
        values = {customer[column] for customer in customers}
        assert len(values - {None}) > 1, column
        assert (None in values) == (feature.missing is not None), column
    last = found[DATES[-1]]
    assert last[random_shop.STAFF]["flagged"] == "staff"
    assert {customer["flagged"] for customer in customers} == {"staff", "bot", None}
    assert last["c02"]["orders_lifetime"] == 0 and last["c02"]["carts_left_90d"] > 0
    assert last["c03"]["gap_std_days"] == 0 and last["c03"]["gap_mean_days"] == 7
    assert last["c04"]["days_since_event"] > 90
    late = (pd.to_datetime(events["batch_date"]) - pd.to_datetime(events["event_day"])).dt.days
    assert late.min() < 0 and late.max() == random_shop.LATENESS
    batches = events.groupby(["customer_id", "event_day"])[["batch_date", "source"]].apply(
        lambda part: len(part.drop_duplicates())
    )
    assert (batches > 1).any()
    for column in ("customer_id", "session_id", "order_id", "product_id", "category", "price", "country"):
        assert events[column].isna().any() and events[column].notna().any(), column
    with warehouse.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM raw.duplicate_events").scalar_one() > 0


def event(days_ago: int, clock: str, kind: str, **given) -> dict:
    plain = {
        "session_id": "s", "order_id": None, "product_id": "p", "category": "tea", "quantity": "1", "price": None,
        "discount": None, "country": None, "device": None, "channel": None, "source": "till",
        "customer_id": "ann", "refunded": None, "superseded_on": None,
    }  # fmt: skip
    day = D - timedelta(days=days_ago)
    stamp = pd.Timestamp(f"{day} {clock}", tz="America/New_York").tz_convert("UTC")
    return {**plain, "event_time": stamp, "event_day": day, "event_type": kind, "batch_date": day, **given}


def test_the_oracle_by_hand():
    shop = [
        event(40, "05:59:59", "purchase", order_id="o1", price="10", quantity="2", discount="2.5", country="US"),
        event(40, "06:10:00.5", "purchase", order_id="o1", price="5", category="Tea", country="de"),
        event(10, "18:00:00", "purchase", order_id="o2", session_id=None, price="30", batch_date=D - timedelta(days=9)),
        event(10, "18:00:00", "purchase", order_id="o2", session_id=None, price="1", batch_date=D - timedelta(days=8)),
        event(2, "23:59:00", "view", price="8"),
        event(2, "23:59:59.9", "cart", price="8", quantity="3"),
        event(2, "12:00:00", "cart", session_id="t"),
        event(2, "12:00:30", "purchase", session_id="t", price="7"),
        event(2, "13:00:00", "return", session_id="t", price="7"),
        event(1, "13:00:00", "search", batch_date=D),  # delivered too late
        event(0, "00:00:00", "purchase", price="99"),  # happened too late
        event(3, "00:00:00", "purchase", customer_id=None, price="99"),
    ]
    got = oracle.snapshot(oracle.read(pd.DataFrame(shop), random_shop.ZONE), D)
    assert set(got) == {"ann"}
    wanted = {
        "days_since_event": 2, "days_since_purchase": 2, "days_since_view": 2, "days_since_cart": 2, "tenure_days": 40,
        "events_1d": 0, "events_7d": 5, "events_28d": 7, "events_90d": 9, "views_7d": 1, "carts_7d": 2, "searches_90d": 0,
        "sessions_7d": 2, "sessions_28d": 2, "sessions_90d": 3, "carts_left_7d": 1,
        # o2 came in two batches: one order all the same.
        "orders_7d": 1, "orders_28d": 2, "orders_90d": 3, "purchase_lines_90d": 5, "return_lines_7d": 1,
        "revenue_7d": 7, "revenue_28d": 38, "revenue_90d": 63, "discount_90d": 5, "returned_value_90d": 7, "cart_value_7d": 24,
        "purchase_days_7d": 1, "purchase_days_28d": 2, "purchase_days_90d": 3, "orders_lifetime": 3,
        "purchase_days_lifetime": 3, "revenue_lifetime": 63, "order_value_lifetime": 63 / 3,
        "orders_trend_28d": (2 / 28) / (3 / 90), "views_trend_28d": 90 / 28,
        "gap_mean_days": 19, "gap_std_days": 242**0.5, "gap_variation": 242**0.5 / 19, "cycle_position": 2 / 19,
        "session_minutes_28d": (59 + 3600) / 60 / 2, "views_per_session_28d": 0.5, "cart_loss_28d": 0.5,
        "price_paid_90d": 63 / 6, "price_seen_28d": 8, "price_paid_to_seen": 63 / 48, "max_price_paid_90d": 30,
        "discount_share_90d": 5 / 68, "return_share_90d": 7 / 63, "order_value_90d": 63 / 3, "lines_per_order_90d": 5 / 3,
        "products_per_order_90d": 1, "categories_per_day_90d": 4 / 3, "products_90d": 3, "categories_90d": 4,
        "favourite_category": "tea", "favourite_share_90d": 3 / 5,
        "night_share_90d": 1 / 9, "morning_share_90d": 1 / 9, "afternoon_share_90d": 3 / 9, "evening_share_90d": 4 / 9,
        "weekend_event_share_90d": 5 / 9, "weekend_share_90d": 1 / 3, "best_hour": 5, "best_weekday": 3,
        "country": "de", "device": None, "flagged": None,
    }  # fmt: skip
    assert {name: got["ann"][name] for name in wanted} == pytest.approx(wanted, nan_ok=False)
