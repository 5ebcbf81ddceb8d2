"""Every benchmark of `make bench` at a toy size, in two orders: none needs another, and none leaves it anything."""

from __future__ import annotations

import os

import pytest

from bench import measure
from bench.measure import SETTINGS, Machine, Sizes
from bench.suite import BENCHMARKS, figures
from customer_behavior import cli
from customer_behavior.paths import INCLUDE_DIR

TOY = Sizes(
    rounds=1,
    ingest_events=300,
    memory_events=(100, 300),
    history_days=(3, 5),
    history_events_a_day=50,
    newest_events=50,
    shop_customers=60,
    shop_events=3_000,
    shop_days=20,
    nights=(8, 12),
    night_customers=60,
    night_events_a_day=60,
    buckets=2,
    written=500,
)


@pytest.mark.parametrize("names", [list(BENCHMARKS), list(reversed(BENCHMARKS))], ids=["in order", "reversed"])
def test_each_benchmark_gives_its_figure_whatever_ran_before(names, postgres, monkeypatch):
    monkeypatch.setattr(
        measure, "run_command", lambda *arguments: cli.main(list(arguments))
    )  # a process each costs seconds
    monkeypatch.setenv("PYTHONPATH", str(INCLUDE_DIR))  # as the Makefile does
    before = {name: os.environ.get(name) for name in SETTINGS}
    with Machine(TOY, server=postgres) as machine:
        found = list(figures(machine, names))
    assert [figure.name for figure in found] == names
    assert all(figure.value > 0 and figure.against_value > 0 and figure.sentence() for figure in found)
    assert {name: os.environ.get(name) for name in SETTINGS} == before
