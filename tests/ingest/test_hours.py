"""Where customers live, by the hours of their events: told of shops open around the clock, of no others."""

from __future__ import annotations

import math

import pytest

from customer_behavior.ingest.hours import night


def shop_of_all_hours(ahead: int, quiet: float = 0.1, events: int = 20_000) -> dict[int, int]:
    """A shop on the web: most sold at 15 h of its customers, least at 3 h."""
    shape = {hour: quiet + (1 - math.cos((hour - 3) / 24 * 2 * math.pi)) ** 1.5 for hour in range(24)}
    return {(hour + ahead) % 24: round(weight / sum(shape.values()) * events) for hour, weight in shape.items()}


def open_from(opens: int, closes: int, each: int = 100) -> dict[int, int]:
    return {hour % 24: each for hour in range(opens, closes)}


@pytest.mark.parametrize("ahead", [-8, -5, 0, 1, 5, 9, 11])
def test_of_a_shop_of_all_hours_the_shift_is_found(ahead):
    found, _ = night(shop_of_all_hours(ahead))
    assert found is not None and abs(found - ahead) <= 1


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (open_from(8, 17), "only from 8 to 17 h: opening hours"),  # a wholesaler
        (open_from(7, 22), "only from 7 to 22 h: opening hours"),  # a grocer
        (open_from(18, 28), "only from 18 to 4 h: opening hours"),  # a bar of the night
        (
            open_from(12, 29),
            "only from 12 to 5 h: opening hours",
        ),  # one that opens at noon: its 7 closed hours are no night
        ({0: 5_000}, "most stamps are at midnight"),  # dates without a time
        ({**open_from(0, 24, 10), 0: 5_000}, "most stamps are at midnight"),
        ({**open_from(0, 24, 4), **open_from(8, 18, 300)}, "14 quiet hours are more than a night"),  # orders by offices
        (open_from(0, 24), "nothing tells where it is night"),  # machines, or customers of the whole world
        ({**open_from(0, 24), 3: 10, 4: 10, 13: 10, 14: 10}, "too few for a night"),
        (dict.fromkeys(range(20), 9), "too few to tell"),
        ({}, "too few to tell"),
    ],
)
def test_of_other_shops_no_zone_is_guessed_and_it_is_said_why(hours, words):
    found, why = night(hours)
    assert found is None and words in why


def test_no_shift_of_opening_hours_is_ever_taken_for_a_zone():
    for opens in range(24):
        for length in range(4, 21):
            assert night(open_from(opens, opens + length, 200))[0] is None, (opens, length)
