"""The check of a file and the load of it say the same of every row: verdict, counts and reasons, on files made at random."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import yaml

from customer_behavior.errors import PlatformError
from customer_behavior.ingest.check import Report, check_file
from customer_behavior.ingest.source import load_source
from customer_behavior.settings import load_shop
from support import small_shop
from support.small_shop import HEADER

DAY = date(2024, 3, 5)
FILES = 30
LEDGER = "SELECT status, rows_read, rows_accepted, rows_rejected, rows_duplicate FROM raw.ingest_batches"
REASONS = "SELECT reason, line FROM raw.rejected_events"
# What may stand in a column: mostly what is fine, now and then what is not.
CELLS = {
    "time": [f"{DAY} 10:00:00"] * 12 + [f"{DAY} 11:30:00", f"{DAY - timedelta(days=2)} 09:00:00", "", "soon", "2024-01-01 10:00:00"],
    "type": ["purchase"] * 10 + ["view", "cart", "gift", ""],
    "customer": [f"c{n}" for n in range(8)] + ["", "1001", "1001.0"],
    "basket": ["b1", "b2", "b3", ""],
    "item": ["milk", "tea", "wine", "", " tea "],
    "group": ["dairy", ""],
    "units": ["1"] * 8 + ["2", "-1", "0", "", "many", "1e12"],
    "price": ["2.50"] * 8 + ["3", "", "-1", "1,5", "inf"],
    "off": ["0", "0", "", "0.5", "-1"],
    "id": [f"e{n}" for n in range(60)] + ["", " ", "e1", "e2"],
}  # fmt: skip


def made(dice: random.Random) -> tuple[dict, str]:
    """A source and the text of a file for it."""
    columns = dict(small_shop.SOURCE_FILE["columns"])
    names = list(HEADER)
    if dice.random() < 0.5:
        columns["event_id"] = "id"
        names.append("id")
    if dice.random() < 0.3:
        columns["line_total"] = columns.pop("price")
    source: dict = {
        "columns": columns,
        "reject_limit": dice.choice([0.0, 0.05, 0.07, 0.29, 0.5, 1.0, 1.0, 1.0]),
        "rules": {
            "negative_quantity": dice.choice(["return", "reject"]),
            "zero_quantity": dice.choice(["other", "reject"]),
        },
        "max_lateness_days": dice.choice([0, 3]),
        "optional": [name for name in ("group", "off") if dice.random() < 0.4],
        "keep": ["group"] if dice.random() < 0.3 else [],
    }
    left_out = dice.choice([*[None] * 8, "group", "off", "price", "basket"])
    there = [name for name in names if name != left_out]
    clean = dice.random() < 0.6  # else hardly any file would load
    rows = [
        {name: CELLS[name][0] if clean and dice.random() < 0.97 else dice.choice(CELLS[name]) for name in there}
        for _ in range(dice.choice([0, 1, 10, 30, 30, 60]))
    ]
    for number, row in enumerate(rows):
        if "id" in row and dice.random() < 0.9:
            row["id"] = f"x{number}" if dice.random() < 0.97 else dice.choice(["", " "])
    rows += [dict(row) for row in rows if dice.random() < 0.1]
    if dice.random() < 0.4:
        source |= {"format": "jsonl", "path": "till/{date}.jsonl"}
        nested = dice.random() < 0.3
        if nested:  # a column that every record has, empty, inside another
            source["columns"] = columns | {"category": "deep.group"}
            source["optional"] = [name for name in source["optional"] if name != "group"]
        records = [{**row, "deep": {"group": dice.choice([None, "dairy"])}} if nested else row for row in rows]
        lines = [json.dumps({name: value or None for name, value in one.items()}) for one in records]
        return source, "".join(line + "\n" for line in lines) + dice.choice(["", "", "{broken\n", "[1]\n"])
    text = io.StringIO()
    writer = csv.DictWriter(text, there, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    if dice.random() < 0.2:
        source |= {"header": there}
        return source, text.getvalue().split("\n", 1)[1]
    return source, text.getvalue() + dice.choice(["", "", "too,few\n", 'c1,"open\n'])


def checked(path: Path) -> Report | PlatformError:
    try:
        return check_file(load_source(small_shop.SOURCE), load_shop(), path, DAY)
    except PlatformError as error:
        return error


def test_what_the_check_says_is_what_the_ledger_has(landing, load, query):
    loaded = 0
    for seed in range(FILES):
        source, text = made(random.Random(seed))
        small_shop.configure(landing.parent, source)
        path = landing / "till" / f"{DAY}.{source.get('format', 'csv')}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        what = f"seed {seed}\n{yaml.safe_dump(source)}{text[:2_000]}"
        said = checked(path)
        usable = isinstance(said, Report) and said.usable
        try:
            load(DAY)
        except PlatformError as error:
            assert not usable, f"the check said it would load, and the load: {error}\n{what}"
            if isinstance(said, Report) and said.refused:
                rows_refused = f"{said.rejected:,} of {said.rows:,} rows refused"
                assert (rows_refused if text else "it is empty (0 bytes)") in str(error), what
            continue
        assert isinstance(said, Report) and usable, f"the check said it would not load: {said}\n{what}"
        loaded += 1
        [(status, *counts)] = query(LEDGER)
        assert counts == [said.rows, said.accepted, said.rejected, said.duplicate], what
        assert status == ("loaded" if said.rows else "empty"), what
        refused = query(REASONS)
        assert Counter(reason for reason, _ in refused) == said.reasons, what
        assert {(one.reason, one.line) for one in said.examples.values()} <= set(refused), what
        if not said.duplicate:
            assert dict(query("SELECT event_day, count(*) FROM raw.events GROUP BY 1")) == said.days, what
    assert FILES / 4 < loaded < FILES, "files that load and files that do not are both to be tried"


def test_the_files_made_are_of_all_kinds():
    """Else the property above would hold of nothing."""
    kinds: Counter[str] = Counter()
    for seed in range(FILES):
        source, text = made(random.Random(seed))
        kinds[source.get("format", "csv")] += 1
        kinds["own id"] += "event_id" in source["columns"]
        kinds["header"] += "header" in source
        kinds["nested"] += source["columns"].get("category") == "deep.group"
        kinds["empty"] += not text.count("\n") > 1
    assert min(kinds.values()) >= 2 and len(kinds) == 6, kinds
