"""A shop whose sources write the ids of their customers in different ways, and what an erasure leaves of a person."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from customer_behavior.stages.ingest_events import ingest
from customer_behavior.warehouse import Warehouse
from support.mornings import query

DAY = date(2024, 3, 5)
COLUMNS = {
    "event_time": "time", "event_type": "type", "customer_id": "who", "session_id": "visit", "product_id": "item",
    "price": "price",
}  # fmt: skip
PLAIN = {
    "description": "A source of the test",
    "timezone": "UTC",
    "max_lateness_days": 3,
    "on_missing": "empty",
    "currency": "USD",
    "columns": COLUMNS,
    "reject_limit": 1.0,
}
SOURCES: dict[str, dict[str, Any]] = {
    "plain": {},
    "mail": {"rules": {"lowercase": ["customer_id"]}},
    "spaced": {"customer_namespace": "web"},
    "json": {"format": "jsonl", "columns": {**COLUMNS, "customer_id": "user.mail"}},
    "kept": {"keep": ["note", "more"]},
}
HEADER = "time,type,who,visit,item,price"


def configure(folder: Path) -> dict[str, str]:
    """Write the sources; return their environment."""
    (folder / "sources").mkdir()
    for name, differs in SOURCES.items():
        suffix = "jsonl" if differs.get("format") == "jsonl" else "csv"
        told = {**PLAIN, "path": f"{name}/{{date}}.{suffix}", **differs}
        (folder / "sources" / f"{name}.yaml").write_text(yaml.safe_dump(told))
    return {"CUSTOMER_BEHAVIOR_SOURCES": str(folder / "sources"), "LANDING_DIR": str(folder / "landing")}


def land(folder: Path, source: str, lines: list[str], day: date = DAY) -> None:
    """Land the lines of a day; a CSV needs no header."""
    path = folder / "landing" / source / f"{day}.{'jsonl' if source == 'json' else 'csv'}"
    path.parent.mkdir(parents=True, exist_ok=True)
    header = [] if source == "json" else [HEADER + (",note,more" if source == "kept" else "")]
    path.write_text("\n".join([*header, *lines]) + "\n")


def load(warehouse: Warehouse, folder: Path, source: str, first: date = DAY, days: int = 1) -> None:
    ingest(warehouse, source, first, first + timedelta(days=days - 1), landing=folder / "landing")


def state(warehouse: Warehouse) -> dict[str, list[str]]:
    """Return the rows that loads write, without stamps, and the ledger."""
    found = {}
    for table in ("events", "duplicate_events", "rejected_events", "ingest_batches", "customer_versions", "contacts"):
        rows = query(
            warehouse,
            f"SELECT cast(to_jsonb(t) - 'loaded_at' - 'rejected_at' - 'event_days' AS text) AS text FROM raw.{table} AS t",
        )
        found[table] = sorted(row["text"] for row in rows)
    rows = query(warehouse, "SELECT cast(to_jsonb(t) AS text) AS text FROM features.customer_day AS t")
    return {**found, "customer_day": sorted(row["text"] for row in rows)}


def said(warehouse: Warehouse) -> str:
    """Return everything that loads write, as one text."""
    return "\n".join(row for rows in state(warehouse).values() for row in rows)
