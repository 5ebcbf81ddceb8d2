"""Snapshots: against DuckDB on the same events in Parquet, against the length of history, and what memory they take."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import duckdb
import psutil
import sqlalchemy as sa

from bench import measure
from bench.ingest import SOURCE, WORLD, use
from bench.measure import Figure, Machine, median_seconds
from customer_behavior.features import snapshot
from customer_behavior.ingest.staging import TABLE_COLUMNS
from customer_behavior.settings import load_settings, load_shop
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.warehouse import Warehouse, sql_text
from support.engines import take_snapshot, translated

GIB = 1024.0


def _simulate(folder: Path, customers: int, events: int, days: int) -> list[date]:
    sizes = ("--customers", str(customers), "--events", str(events), "--days", str(days))
    measure.run_command("simulate", "--world", str(WORLD), "--out", str(folder), *sizes, "--no-gzip")
    return sorted(date.fromisoformat(path.stem) for path in (folder / SOURCE).glob("*.csv"))


def shop(machine: Machine) -> tuple[Warehouse, date]:
    """Configure the large shop; return a warehouse with it, loaded once for all benchmarks, and the date to look from."""
    folder = machine.folder / "snapshot"
    if not hasattr(machine, "large_shop"):
        sizes = machine.sizes
        days = _simulate(folder, sizes.shop_customers, sizes.shop_events, sizes.shop_days)
        use(folder)
        warehouse = machine.warehouse()
        ingest(warehouse, SOURCE, days[0], days[-1], landing=folder)
        analyze(warehouse)
        machine.large_shop = warehouse, days[-1] + timedelta(days=1)  # type: ignore[attr-defined]
    use(folder)
    return machine.large_shop  # type: ignore[attr-defined]


def analyze(warehouse: Warehouse) -> None:
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))


def speed(machine: Machine) -> Figure:
    """Seconds of a snapshot of 200,000 customers, against DuckDB from 10 M events in Parquet by the same SQL."""
    warehouse, as_of = shop(machine)
    events = machine.folder / "events.parquet"
    if not events.exists():
        _export(warehouse, events)
    ours, peer = [], []
    for _ in range(machine.sizes.rounds):  # in turns, so that both meet the same machine
        ours.append(median_seconds(lambda: snapshot.build(warehouse, load_settings(), as_of), 1))
        peer.append(_duckdb_seconds(events, as_of))
    return Figure(
        "snapshot",
        statistics.median(ours),
        "s",
        "DuckDB, the same features from events in Parquet",
        statistics.median(peer),
        "at most 1.5",
    )


def _export(warehouse: Warehouse, path: Path) -> None:
    text = path.with_suffix(".csv")
    with warehouse.begin("score") as connection, text.open("wb") as file:
        query = f"COPY (SELECT {', '.join(TABLE_COLUMNS)} FROM raw.events) TO STDOUT WITH (FORMAT csv, HEADER)"
        connection.connection.cursor().copy_expert(query, file, size=1 << 20)
    kinds = {"event_time": "TIMESTAMPTZ", "event_day": "DATE", "batch_date": "DATE", "superseded_on": "DATE"}
    kinds |= dict.fromkeys(("quantity", "price", "discount", "refunded"), "DECIMAL(24, 10)")
    types = {name: kinds.get(name, "VARCHAR") for name in TABLE_COLUMNS}
    with duckdb.connect() as engine:
        engine.execute(f"COPY (FROM read_csv('{text}', types = {types})) TO '{path}' (FORMAT parquet)")
    text.unlink()


def _duckdb_seconds(events: Path, as_of: date) -> float:
    """Time the rollup and the snapshot of the warehouse's own SQL, carried over to DuckDB."""
    shop = load_shop()
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'; CREATE SCHEMA features; CREATE SCHEMA raw")
        began = time.perf_counter()
        engine.execute(
            f"""CREATE VIEW day_events AS
            SELECT *, coalesce(order_id, session_id, CAST(event_time AS VARCHAR)) AS order_key,
                CAST(extract(HOUR FROM timezone('{shop.timezone}', event_time)) AS SMALLINT) AS local_hour,
                true AS starts_order
            FROM '{events}' WHERE customer_id IS NOT NULL"""
        )
        rollup = translated(sql_text("ingest/customer_day").text, "duckdb")
        engine.execute(
            f"CREATE TABLE features.customer_day AS SELECT *, CAST(NULL AS DATE) AS superseded_on FROM ({rollup})"
        )
        engine.execute(
            "CREATE TABLE features.customer_checkpoint AS SELECT CAST(NULL AS DATE) AS checkpoint_date, CAST(NULL AS VARCHAR)"
            " AS customer_id, CAST(NULL AS DATE) AS first_event_day, CAST(NULL AS DATE) AS last_event_day, CAST(NULL AS DATE)"
            " AS last_view_day, CAST(NULL AS DATE) AS last_cart_day, CAST(NULL AS DATE) AS first_purchase_day, CAST(NULL AS"
            " DATE) AS last_purchase_day, 0 AS purchase_days, 0 AS gap_squares, 0 AS orders, CAST(0 AS DECIMAL(38, 4)) AS revenue"
            " WHERE false"
        )
        take_snapshot(engine, as_of, checkpoint=None)
        return time.perf_counter() - began


def growth(machine: Machine) -> Figure:
    """Seconds of the night of day 300, rollup and snapshot, against the night of day 120, at equal daily traffic."""
    folder, sizes = machine.folder / "nights", machine.sizes
    young, old = sizes.nights
    days = _simulate(folder, sizes.night_customers, sizes.night_events_a_day * old, old)
    use(folder)
    warehouse = machine.warehouse()
    seconds: dict[int, list[float]] = {}
    loaded = 0
    for night in (young, old):
        ingest(warehouse, SOURCE, days[loaded], days[night - 4], landing=folder)
        loaded = night - 3
        analyze(warehouse)
        snapshot.build(warehouse, load_settings(), days[loaded])  # the month's checkpoint, which is made once a month
        for day in days[loaded:night]:
            seconds.setdefault(night, []).append(median_seconds(partial(_night, warehouse, folder, day), 1))
        loaded = night
    machine.drop(warehouse)
    late, early = (statistics.median(seconds[night]) for night in (old, young))
    return Figure("snapshot_growth", late, "s", f"the night of day {young}", early, "at most 1.3")


def _night(warehouse: Warehouse, folder: Path, day: date) -> None:
    ingest(warehouse, SOURCE, day, day, landing=folder)
    snapshot.build(warehouse, load_settings(), day + timedelta(days=1))


def memory(machine: Machine) -> Figure:
    """Peak memory of PostgreSQL and Python together while that snapshot is made; shared pages are counted once."""
    warehouse, as_of = shop(machine)
    peak = _peak_mib(lambda: snapshot.build(warehouse, load_settings(), as_of))
    return Figure("snapshot_memory", peak, "MiB", "2 GiB", 2 * GIB, "at most 1")


def _peak_mib(work: Callable[[], object]) -> float:
    done = threading.Event()
    peaks: list[float] = []

    def watch() -> None:
        peaks.append(_proportional_mib())
        while not done.wait(0.05):
            peaks.append(_proportional_mib())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return max(peaks)


def _proportional_mib() -> float:
    total = 0
    mine = os.getpid()
    for process in psutil.process_iter(["name"]):
        if process.pid == mine or process.info["name"] == "postgres":
            try:
                total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
    return total / 1024**2
