"""Planted hours are named, all of them and no other; a flat day has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from customer_behavior.insights import find_peaks
from insights.worlds import hours, made_up, visits_of, world


@pytest.mark.parametrize(
    ("planted", "traffic", "conversion", "seed"),
    [
        ([18, 19, 20], 2.5, 1.5, 1),
        ([12, 13, 20, 21], 1.3, 1.4, 2),
        ([0, 23], 1.0, 2.0, 3),
        ([7], 2.0, 1.0, 4),
    ],
)
def test_planted_hours_are_named(tmp_path, planted, traffic, conversion, seed):
    peaks = {"hours": planted, "traffic": traffic, "conversion": conversion}
    found = find_peaks(hours(visits_of(world(seed, 5_000, peak_hours=peaks), tmp_path)))
    for peak, factor in ((found.traffic, traffic), (found.conversion, conversion)):
        if factor == 1:
            assert peak is None
        else:
            assert peak is not None
            assert peak.hours == tuple(planted)
            assert peak.ratio == pytest.approx(factor, rel=0.1)
            assert peak.low < peak.ratio < peak.high


@pytest.mark.parametrize("seed", range(20))
def test_a_flat_day_has_no_peak(seed):
    shops: tuple[dict[str, Any], ...] = ({}, {"customer_spread": 1.5, "customers": 200})
    for shop in shops:
        found = find_peaks(hours(made_up(seed, **shop)))
        assert (found.traffic, found.conversion) == (None, None)
        assert (found.traffic_reason, found.conversion_reason) == (None, None)


def test_one_customer_s_habit_is_no_peak():
    """A third more visits at noon, all of them one customer's, who buys every time."""
    visits = made_up(1)
    noon = visits.head(280).assign(customer=-1, hour=12, bought=True)
    found = find_peaks(hours(visits.pipe(lambda all_: pd.concat([all_, noon]))))
    assert (found.traffic, found.conversion) == (None, None)


def test_one_day_s_rush_is_no_peak():
    visits = made_up(1)
    rush = visits.head(500).assign(hour=9, day=30)
    assert find_peaks(hours(visits.pipe(lambda all_: pd.concat([all_, rush])))).traffic is None


def test_more_visits_by_less_than_a_fifth_are_not_told():
    visits = made_up(1, 200_000)
    more = visits[(visits["hour"] == 9) & (np.arange(len(visits)) % 10 == 0)]
    assert find_peaks(hours(visits.pipe(lambda all_: pd.concat([all_, more])))).traffic is None


def test_what_cannot_be_said_is_said():
    visits = made_up(1)
    assert find_peaks(hours(visits.head(0))).traffic_reason == "too few days to say: 0, and 7 are needed"
    found = find_peaks(hours(visits.head(150)))
    assert found.traffic_reason == "too few visits to say: 150, and 200 are needed"
    found = find_peaks(hours(visits.head(1_000)))
    assert found.traffic_reason is None
    assert found.conversion_reason == f"too few orders to say: {found.purchases}, and 200 are needed"
    assert find_peaks(hours(visits.assign(bought=True))).conversion_reason == (
        "the source shows no visits that end without a purchase"
    )
