"""The benchmarks of `make bench` by their names, none of which needs another or leaves it anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bench import ingest, score, snapshot
from bench.measure import Figure, Machine, settings_of_its_own

BENCHMARKS: dict[str, Callable[[Machine], Figure]] = {
    "ingest": ingest.speed,
    "ingest_memory": ingest.memory,
    "ingest_day_growth": ingest.day_growth,
    "snapshot": snapshot.speed,
    "snapshot_growth": snapshot.growth,
    "snapshot_memory": snapshot.memory,
    "score": score.speed,
    "score_memory": score.memory,
    "score_write": score.write,
}


def figures(machine: Machine, names: Iterable[str]) -> Iterator[Figure]:
    """Run benchmarks one after the other; yield the figure of each."""
    for name in names:
        with settings_of_its_own():
            figure = BENCHMARKS[name](machine)
        yield figure
