"""What a load says of some mini shops is what the oracle says; `make fuzz TARGET=landings` tries thousands."""

from __future__ import annotations

from datetime import datetime

from fuzz.landings.files import configure
from fuzz.landings.oracle import Day, Line, as_of
from fuzz.landings.run import differences
from fuzz.landings.shops import BATCHES, ZONE, make_case


def test_random_landings_mean_what_a_slow_count_says(warehouse, tmp_path, monkeypatch):
    for name, value in configure(tmp_path).items():
        monkeypatch.setenv(name, value)  # taken back after the test; the load sets them too
    cases = [make_case(number, seed=7) for number in range(60)]
    differing = [
        (case.number, case.source, sentences[:2]) for case, sentences in differences(warehouse, tmp_path, cases, seed=7)
    ]
    assert not differing


def _line(batch: int, minute: int, **rest) -> Line:
    given = {"customer": "c", "order": "o", "session": "s", "product": "p", "units": 1, "price": 2000, "file": "a"}
    stamp = BATCHES[0].strftime(f"%Y-%m-%dT12:{minute:02d}:00+00:00")
    return Line(batch=BATCHES[batch], stamp=datetime.fromisoformat(stamp), **{**given, **rest})


def test_the_oracle_counts_a_repeated_order_once_and_two_equal_lines_twice():
    again = [_line(0, 0), _line(0, 4), _line(1, 9, file="b")]
    twice = [_line(0, 0, customer="d", order="q"), _line(0, 0, customer="d", order="q")]
    known = as_of([*again, *twice], BATCHES[2], ZONE, "lines")
    assert known == {("c", BATCHES[0]): Day(1, 2000, 2000), ("d", BATCHES[0]): Day(1, 4000, 4000)}


def test_the_oracle_takes_an_order_as_its_newest_delivery_before_the_date():
    told = [
        _line(0, 0),
        _line(1, 0, state="partially_refunded", paid_back=500),
        _line(2, 0, state="refunded"),
        _line(3, 0, state="voided"),
    ]
    days = [as_of(told, day, ZONE, "whole").get(("c", BATCHES[0]), Day()) for day in BATCHES[1:]]
    assert days == [Day(1, 2000, 2000), Day(1, 1500, 2000), Day(0, 0, 2000), Day()]
