"""Ingest against a bare COPY, its memory against the size of a file, and a day's batch against the length of history."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa
import yaml

from bench import measure
from bench.measure import Figure, Machine, median_seconds
from customer_behavior.paths import INCLUDE_DIR, REPO_DIR
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.warehouse import Warehouse

SOURCE = "clickstream"
WORLD = INCLUDE_DIR / "worlds" / "steady.yaml"
COLUMNS = (
    "event_time timestamptz, event_type text, product_id text, category_id text, category_code text, brand text, price numeric,"
    " user_id text, user_session text, country text, device text, channel text"
)


def simulate(folder: Path, events: int, days: int) -> list[date]:
    """Land a simulated shop's events in daily CSV files; return their dates."""
    where, sizes = ("--world", str(WORLD), "--out", str(folder)), ("--events", str(events), "--days", str(days))
    measure.run_command("simulate", *where, *sizes, "--no-gzip")
    return sorted(date.fromisoformat(path.stem) for path in (folder / SOURCE).glob("*.csv"))


def rows_in(folder: Path) -> int:
    """Return the rows of the landed files, headers apart."""
    return sum(sum(1 for _ in path.open("rb")) - 1 for path in (folder / SOURCE).glob("*.csv"))


def use(folder: Path) -> None:
    """Configure the simulated shop as the one source of this process."""
    config = folder / "config"
    config.mkdir(exist_ok=True)
    for path in (INCLUDE_DIR / "config").glob("*.yaml"):
        (config / path.name).write_text(path.read_text())
    shop = yaml.safe_load((config / "shop.yaml").read_text())
    (config / "shop.yaml").write_text(yaml.safe_dump({**shop, "sources": [SOURCE], "currency": "EUR"}))
    os.environ.update(CUSTOMER_BEHAVIOR_CONFIG=str(config), LANDING_DIR=str(folder))


def speed(machine: Machine) -> Figure:
    """Rows per second of 3 M rows through everything, against a server-side COPY into a logged, typed table without index."""
    folder = machine.folder / "speed"
    days = simulate(folder, machine.sizes.ingest_events, 3)
    rows = rows_in(folder)
    use(folder)
    ours, bare = [], []
    for _ in range(machine.sizes.rounds):  # in turns, so that both meet the same machine
        warehouse = machine.warehouse()
        bare.append(median_seconds(partial(_bare_copy, machine, warehouse, folder), 1))
        ours.append(median_seconds(partial(ingest, warehouse, SOURCE, days[0], days[-1], landing=folder), 1))
        machine.drop(warehouse)
    return Figure(
        "ingest", rows / statistics.median(ours), "rows/s", "bare COPY", rows / statistics.median(bare), "at least 0.25"
    )


def _bare_copy(machine: Machine, warehouse: Warehouse, folder: Path) -> None:
    with machine.postgres.superuser(str(warehouse.url.database)) as cursor:
        cursor.execute(f"CREATE TABLE bare ({COLUMNS})")
        for path in sorted((folder / SOURCE).glob("*.csv")):
            cursor.execute("COPY bare FROM %s WITH (FORMAT csv, HEADER)", (str(path),))
        cursor.execute("DROP TABLE bare")


def memory(machine: Machine) -> Figure:
    """Peak memory of the loading process at 10 M rows of one day against 1 M rows."""
    peaks = {}
    few, many = machine.sizes.memory_events
    for events in (few, many):
        folder = machine.folder / f"memory-{events}"
        [day] = simulate(folder, events, 1)
        use(folder)
        warehouse = machine.warehouse()
        script = (
            "import sys; from datetime import date; from customer_behavior.warehouse import Warehouse;"
            " from customer_behavior.stages.ingest_events import ingest; day = date.fromisoformat(sys.argv[2]);"
            " ingest(Warehouse(sys.argv[1]), 'clickstream', day, day);"
            # not getrusage: its peak is that of the parent, where that one was larger when it forked
            " print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
        )
        url = warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
        command = [sys.executable, "-c", script, url, str(day)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPO_DIR)
        peaks[events] = int(done.stdout) / 1024
        machine.drop(warehouse)
    return Figure("ingest_memory", peaks[many], "MiB", f"the peak at {few:,} rows", peaks[few], "at most 1.2")


def day_growth(machine: Machine) -> Figure:
    """Seconds of a day's batch of 100,000 rows into a year of history against the same into a month."""
    seconds = {}
    short, long = machine.sizes.history_days
    for days in (short, long):
        folder = machine.folder / f"growth-{days}"
        past = simulate(folder, machine.sizes.history_events_a_day * days, days)
        use(folder)
        warehouse = machine.warehouse()
        ingest(warehouse, SOURCE, past[0], past[-1], landing=folder)
        with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM (ANALYZE)"))  # as autovacuum would have
        newest = machine.folder / f"growth-{days}-newest"
        [first] = simulate(newest, machine.sizes.newest_events, 1)
        next_day = past[-1] + timedelta(days=1)
        _move(newest / SOURCE / f"{first}.csv", folder / SOURCE / f"{next_day}.csv", first, next_day)
        seconds[days] = median_seconds(
            partial(ingest, warehouse, SOURCE, next_day, next_day, landing=folder), 2 * machine.sizes.rounds - 1
        )
        machine.drop(warehouse)
    return Figure("ingest_day_growth", seconds[long], "s", f"the same into {short} days", seconds[short], "at most 1.3")


def _move(path: Path, to: Path, was: date, becomes: date) -> None:
    """Move a day's file to another date, stamps included."""
    shift = {str(was + timedelta(days=n)): str(becomes + timedelta(days=n)) for n in (-1, 0, 1)}
    text = path.read_text()
    for number, old in enumerate(shift):
        text = text.replace(old, f"\0{number}")
    for number, new in enumerate(shift.values()):
        text = text.replace(f"\0{number}", new)
    to.write_text(text)
