"""A planted price is found where it is, with an interval; a smooth curve, a product or a customer is no threshold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from customer_behavior.insights import find_threshold
from insights.worlds import cells, made_up, visits_of, world


@pytest.mark.parametrize(
    ("price", "factor", "seed"), [(79.90, 0.3, 1), (124.60, 0.25, 2), (40.0, 0.6, 3), (200.0, 0.5, 4), (20.0, 2.0, 5)]
)
def test_a_planted_price_is_found_within_five_percent(tmp_path, price, factor, seed):
    shop = world(seed, 5_000, price_threshold={"price": price, "factor": factor})
    visits = visits_of(shop, tmp_path)
    found = find_threshold(cells(visits))
    threshold = found.threshold
    assert threshold is not None, found
    assert threshold.price == pytest.approx(price, rel=0.05)
    assert threshold.low <= price <= threshold.high < 1.35 * threshold.low
    assert threshold.factor == pytest.approx(factor, rel=0.15)
    assert threshold.factor_low < threshold.factor < threshold.factor_high
    assert threshold.visits_above == pytest.approx((visits["price"] > price).sum(), rel=0.1)
    assert (found.visits, found.purchases) == (len(visits), visits["bought"].sum())
    assert found == find_threshold(cells(visits))


@pytest.mark.parametrize(
    "planted",
    [
        {},
        {"shift": {"date": "2024-02-15", "prices": 1.25, "traffic": 1.5}},
        {"catalogue": {"products": 200, "categories": 10, "popularity": 1.1}, "customers": {"conversion_shape": 0.5}},
        {"peak_hours": {"hours": [18, 19, 20], "traffic": 2.5, "conversion": 1.5}, "bots": {"share": 0.01}},
    ],
)
def test_where_none_is_planted_none_is_found(tmp_path, planted):
    found = find_threshold(cells(visits_of(world(8, 2_000, **planted), tmp_path)))
    assert found.threshold is None
    assert found.p_value is not None


@pytest.mark.parametrize(
    "shop",
    [
        {"slope": -1.0},
        {"slope": -1.0, "visits": 100_000},
        {"product_spread": 1.0, "products": 150},
        {"customer_spread": 1.2, "customers": 300},
    ],
)
def test_a_slope_and_products_or_customers_unlike_each_other_are_no_threshold(shop):
    found = [find_threshold(cells(made_up(seed, **shop))) for seed in range(8)]
    assert [one.threshold for one in found] == [None] * 8
    assert np.median([one.p_value for one in found]) > 0.1


def test_a_bent_curve_is_no_threshold():
    for seed in range(8):
        visits = made_up(seed, 50_000)
        chance = 0.02 + 0.08 / (1 + (visits["price"] / 60) ** 2)
        drawn = np.random.default_rng(seed).random(len(visits))
        assert find_threshold(cells(visits.assign(bought=drawn < chance))).threshold is None


def test_a_threshold_on_top_of_a_slope_is_found_with_its_own_factor():
    found = find_threshold(cells(made_up(1, 100_000, slope=-0.7, step=(79.90, 0.4)))).threshold
    assert found is not None
    assert found.price == pytest.approx(79.90, rel=0.05)
    assert found.factor_low <= 0.4 <= found.factor_high


def test_a_step_too_small_to_tell_is_not_told():
    found = find_threshold(cells(made_up(1, 2_000_000, conversion=0.3, step=(79.90, 0.9))))
    assert found.threshold is None
    assert found.p_value is not None
    assert found.p_value < 0.01
    assert found.reason == "no price at which conversion steps by much"


def with_all(visits: pd.DataFrame, **columns) -> pd.DataFrame:
    return cells(visits.assign(**columns))


def test_what_cannot_be_said_is_said():
    visits = made_up(1)
    few = visits.head(1_000)
    bought = int(few["bought"].sum())
    for frame, reason in (
        (cells(visits).head(0), "no visit shows a price"),
        (cells(few), f"too few orders to say: {bought}, and 200 are needed"),
        (with_all(visits, bought=False), "too few orders to say: 0, and 200 are needed"),
        (with_all(visits, bought=True), "the source shows no visits that end without a purchase"),
        (with_all(visits, price=9.99), "all visits were about one price"),
        (
            with_all(visits, price=np.where(visits["price"] > 60, 90.0, 30.0)),
            "too few prices to say: 2, and 10 are needed",
        ),
    ):
        found = find_threshold(frame)
        assert (found.threshold, found.reason, found.p_value) == (None, reason, None)
