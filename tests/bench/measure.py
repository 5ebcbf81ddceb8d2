"""What benchmarks share: a PostgreSQL of their own with the settings users get, folders, timing, and figures."""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.stages.migrate_warehouse import upgrade
from customer_behavior.warehouse import Warehouse

TEMPLATE = "migrated"
SETTINGS = (
    "CUSTOMER_BEHAVIOR_CONFIG",
    "CUSTOMER_BEHAVIOR_SOURCES",
    "CUSTOMER_BEHAVIOR_DIMENSIONS",
    "LANDING_DIR",
    "WAREHOUSE_URL",
)


@dataclass(frozen=True)
class Sizes:
    """How much the benchmarks do; by default what docs/benchmarks.md has figures of."""

    rounds: int = 3
    ingest_events: int = 3_000_000
    memory_events: tuple[int, int] = (1_000_000, 10_000_000)
    history_days: tuple[int, int] = (30, 365)
    history_events_a_day: int = 20_000
    newest_events: int = 100_000
    shop_customers: int = 200_000
    shop_events: int = 10_000_000
    shop_days: int = 90
    nights: tuple[int, int] = (120, 300)
    night_customers: int = 20_000
    night_events_a_day: int = 30_000
    buckets: int = 20
    written: int = 1_000_000


@dataclass(frozen=True)
class Figure:
    """A number beside what it is compared with; `ratio` is value over against_value."""

    name: str
    value: float
    unit: str
    against: str
    against_value: float
    limit: str

    @property
    def ratio(self) -> float:
        return self.value / self.against_value

    def as_dict(self) -> dict:
        """Return the figure as `.run/bench.json` has it."""
        return {**asdict(self), "ratio": round(self.ratio, 4)}

    def sentence(self) -> str:
        """Return the figure in words."""
        return (
            f"{self.value:,.2f} {self.unit} against {self.against_value:,.2f} of {self.against}: "
            f"ratio {self.ratio:.3f} (limit: {self.limit})"
        )


class Machine:
    """A context: a PostgreSQL 18 as `make up` starts it, and a folder, both gone at the end."""

    def __init__(self, sizes: Sizes | None = None, server: EmbeddedPostgres | None = None) -> None:
        self.sizes = sizes or Sizes()
        self._server = server  # one that has the template, and goes on
        self._made: list[str] = []

    def __enter__(self) -> Machine:
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.folder.chmod(0o755)  # the server reads the peer's file itself
        if self._server is not None:
            self.postgres = self._server
        else:
            self.postgres = EmbeddedPostgres(self.folder / "state")
            self.postgres.start()
            self.postgres.create_database(TEMPLATE)
            upgrade(self.postgres.url(TEMPLATE))
        self._numbers = itertools.count(1)
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._made:
            self.postgres.drop_database(name)
        if self._server is None:
            self.postgres.destroy()
        shutil.rmtree(self.folder)

    def warehouse(self) -> Warehouse:
        """Return an empty, migrated warehouse."""
        name = f"bench_{next(self._numbers)}"
        self.postgres.create_database(name, template=TEMPLATE)
        self._made.append(name)
        return Warehouse(self.postgres.url(name))

    def drop(self, warehouse: Warehouse) -> None:
        """Drop a warehouse again."""
        self.postgres.drop_database(str(warehouse.url.database))


@contextmanager
def settings_of_its_own() -> Iterator[None]:
    """Let a benchmark begin with the repository's configuration, and leave none of what it configures to the next one."""
    before = {name: os.environ.pop(name, None) for name in SETTINGS}
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def run_command(*arguments: str) -> None:
    """Run `python -m customer_behavior …` in a process of its own, whose memory is nobody's figure."""
    subprocess.run([sys.executable, "-m", "customer_behavior", *arguments], check=True, capture_output=True)


def median_seconds(work: Callable[[], object], times: int = 3) -> float:
    """Return the median duration of `work`, which is done `times` times."""
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        durations.append(time.perf_counter() - began)
    return statistics.median(durations)
