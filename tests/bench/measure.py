"""What benchmarks share: a PostgreSQL of their own with the settings users get, folders, timing, and figures."""

from __future__ import annotations

import itertools
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.warehouse import Warehouse
from customer_behavior.warehouse.migrate import upgrade


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

    def __enter__(self) -> Machine:
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.folder.chmod(0o755)  # the server reads the peer's file itself
        self.postgres = EmbeddedPostgres(self.folder / "state")
        self.postgres.start()
        self._numbers = itertools.count(1)
        return self

    def __exit__(self, *_: object) -> None:
        self.postgres.destroy()
        shutil.rmtree(self.folder)

    def warehouse(self) -> Warehouse:
        """Return an empty, migrated warehouse."""
        name = f"bench_{next(self._numbers)}"
        self.postgres.create_database(name)
        upgrade(self.postgres.url(name))
        return Warehouse(self.postgres.url(name))

    def drop(self, warehouse: Warehouse) -> None:
        """Drop a warehouse again."""
        self.postgres.drop_database(str(warehouse.url.database))


def median_seconds(work: Callable[[], object], times: int = 3) -> float:
    """Return the median duration of `work`, which is done `times` times."""
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        durations.append(time.perf_counter() - began)
    return statistics.median(durations)
