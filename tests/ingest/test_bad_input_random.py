"""Hostile texts in every field, random mixes of good and bad lines, and a million categories, through a whole load."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from customer_behavior.ingest import blocks
from customer_behavior.ingest.blocks import INVISIBLE, SPACES
from customer_behavior.ingest.ids import ID_FIELDS
from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.paths import REPO_DIR
from support import small_shop
from support.small_shop import HEADER, line

DAY = date(2024, 3, 5)
NOON = f"{DAY} 12:00:00"
LEDGER = "SELECT rows_read, rows_accepted, rows_rejected, rows_duplicate FROM raw.ingest_batches"
TEXTS = (
    "event_id",
    "customer_id",
    "session_id",
    "order_id",
    "product_id",
    "category",
    "brand",
    "country",
    "device",
    "channel",
)
HOSTILE = [
    "'; DROP TABLE raw.events; --", '"; DROP SCHEMA raw CASCADE; --', "$$; DELETE FROM raw.events; $$", "') OR ('1'='1", "/*", "--",
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1:A9)", "=HYPERLINK(\"http://x\",\"y\")", "\\N", "\\.", "NULL", "null", "NaN", "\\", '"',
    "''", "%s %(name)s {0} :source {{ 7*7 }} ${jndi:ldap://x}", "<script>alert(1)</script>", "a\tb", "a\nb", "x\n\\.\ny", "1e308",
    "Ünïcødé ☃ 𝔘", "\u202egnp.exe", "\u200b", "e\u0301", "\ufeffmark", "chr(30)\x1e\x1f", "\x01\x7f", "x" * 5_000, "{\"a\": 1}", "[]",
]  # fmt: skip


# --- texts -----------------------------------------------------------------------------------------------------------


def source_of_texts(form: str) -> dict:
    """A till that maps a column to every text that an event has, and keeps one that is named like an attack."""
    columns = {"event_time": "time", "price": "price", **{name: f"of {name}" for name in TEXTS}}
    return {
        "format": form,
        "path": "till/{date}." + form,
        "columns": columns,
        "constants": {"event_type": "purchase"},
        "keep": ["=1+1'; \"--"],
        "reject_limit": 1.0,
    }


def write(path: Path, form: str, rows: list[dict]) -> None:
    path.parent.mkdir(exist_ok=True)
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _of(name: str, text: str) -> str:
    """Return a text for a field; an id begins with a letter, since some of the texts alone are no ids."""
    return f"i{text}" if name in ID_FIELDS else text


def _seen(text: str, is_id: bool = False) -> str | None:
    """Return what is kept of a text: no characters around it that nobody sees, and none at all in an id."""
    kept = text.strip(SPACES + INVISIBLE)
    return (kept.translate(dict.fromkeys(map(ord, INVISIBLE))) if is_id else kept) or None


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_hostile_text_in_any_field_is_kept_as_it_is_and_not_executed(landing, load, query, form):
    small_shop.configure(landing.parent, source_of_texts(form))
    rows = [
        {"time": NOON, "price": "1", **{f"of {name}": _of(name, text) for name in TEXTS}, "=1+1'; \"--": text}
        for text in HOSTILE
    ]
    bad = [{**row, "price": row["of brand"]} for row in rows if _seen(row["of brand"])]  # no price: a reject
    bad = [row for row in bad if row["of brand"] != "1e308"]
    for number, row in enumerate(bad):
        row["of event_id"] = f"bad {number}"
    write(landing / "till" / f"{DAY}.{form}", form, rows + bad)
    load(DAY)
    assert query(LEDGER) == [(len(rows) + len(bad), len(rows), len(bad), 0)]
    kept = query(f"SELECT {', '.join(TEXTS)}, attributes FROM raw.events")
    expected = [
        (*(_seen(_of(name, text), name in ID_FIELDS) for name in TEXTS), {"=1+1'; \"--": _seen(text)})
        for text in HOSTILE
    ]
    assert sorted(kept, key=str) == sorted(expected, key=str)
    customers = [row[0] for row in query("SELECT customer_id FROM features.customer_day")]
    seen = [_seen(_of("customer_id", text), is_id=True) for text in HOSTILE]
    assert sorted(customers, key=str) == sorted(seen, key=str)
    details = query("SELECT detail, raw_text FROM raw.rejected_events ORDER BY line")
    for (detail, raw), row in zip(details, bad, strict=True):
        brand = _seen(row["of brand"])
        assert brand is not None
        assert brand[:100].strip() in detail
        assert "bad " in raw


def test_hostile_texts_where_a_type_and_a_time_belong_are_rejects(landing, load, query):
    rows = [line(NOON)] + [line(text, item="bad") for text in HOSTILE] + [line(NOON, type=text) for text in HOSTILE]
    small_shop.configure(landing.parent, {"reject_limit": 1.0})
    small_shop.land(landing, DAY, rows)
    load(DAY)
    assert query(LEDGER) == [(len(rows), 1, len(rows) - 1, 0)]
    reasons = Counter(reason for (reason,) in query("SELECT reason FROM raw.rejected_events"))
    unseen = sum(not _seen(text) for text in HOSTILE)
    unreadable = len(HOSTILE) - unseen
    assert reasons == {"time_unreadable": unreadable, "time_missing": unseen, "type_unknown": len(HOSTILE)}


# --- random mixes ----------------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(codec="utf-8", exclude_characters='\0\r\n", '), max_size=12)
MARKED = st.text(st.sampled_from("ab,\n; é☃'="), max_size=12)  # needs quotes in CSV
# what makes a row a reject, by the field that it spoils
SPOILT = st.sampled_from(
    [("time", "yesterday"), ("time", ""), ("time", "1900-01-01"), ("time", "2999-12-31"), ("price", "cheap"), ("price", "1e308"),
     ("price", "NaN"), ("units", "inf"), ("units", "0"), ("type", "hug"), ("type", ""), ("off", "-0.01")]
)  # fmt: skip
PIECES = st.one_of(
    st.tuples(st.just("good"), st.one_of(WORDS, MARKED)),
    st.tuples(st.just("good"), st.one_of(WORDS, MARKED)),
    st.tuples(st.just("spoilt"), SPOILT),
    st.tuples(st.just("broken"), st.integers(0, 5)),
    st.tuples(st.just("blank"), st.sampled_from([b"", b"  ", b"\t"])),
)


def csv_line(row: dict) -> bytes:
    text = io.StringIO()
    csv.DictWriter(text, HEADER, lineterminator="\n").writerow(row)
    return text.getvalue().removesuffix("\n").encode()


BROKEN_CSV = [
    b"one,two",
    b"," * 8,
    b",".join([b"x"] * 12),
    b"\xff\xfe" + b"," * 8,
    b"a\0b" + b"," * 8,
    b'"open' + b"," * 8,
]
BROKEN_JSON = [b"{", b"[1, 2]", b'{"time": "\xff"}', b'{"item": "\\u0000"}', b'{"item": "\\ud800"}', b"{}"]


def compose(form: str, pieces: list) -> tuple[bytes, int, list[str]]:
    """Return the bytes of a file, its records, and the items of those that are events."""
    lines: list[bytes] = []
    kept: list[str] = []
    records = 0
    for number, (kind, value) in enumerate(pieces):
        row = line(NOON, basket=f"b{number}", item=f"{number}{value if kind == 'good' else ''}")
        if kind == "spoilt":
            row[value[0]] = value[1]
        if kind == "blank":
            lines.append(value)
            continue
        records += 1
        if kind == "broken":
            lines.append((BROKEN_CSV if form == "csv" else BROKEN_JSON)[value])
            continue
        lines.append(csv_line(row) if form == "csv" else json.dumps(row, ensure_ascii=number % 2 == 0).encode())
        if kind == "good":
            item = _seen(row["item"], is_id=True)
            assert item is not None
            kept.append(item)
    head = [",".join(HEADER).encode()] if form == "csv" else []
    return b"\n".join([*head, *lines]) + b"\n" * (len(pieces) % 2), records, kept


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.sampled_from(["csv", "jsonl"]),
    pieces=st.lists(PIECES, min_size=1, max_size=25),
    block_bytes=st.sampled_from([50, 333, 4_096, 32 << 20]),
)
@example(form="csv", pieces=[("good", "a"), ("blank", b""), ("blank", b"")], block_bytes=32 << 20)
@example(form="jsonl", pieces=[("good", "a" * 40), ("broken", 5)], block_bytes=50)
def test_of_a_random_mix_every_good_row_is_an_event_and_every_other_a_reject(
    landing, load, query, form, pieces, block_bytes
):
    content, records, kept = compose(form, pieces)
    small_shop.configure(landing.parent, {"format": form, "path": "till/{date}." + form, "reject_limit": 1.0})
    path = landing / "till" / f"{DAY}.{form}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", block_bytes)
        load(DAY)
    assert query(LEDGER) == [(records, len(kept), records - len(kept), 0)]
    assert Counter(item for (item,) in query("SELECT product_id FROM raw.events")) == Counter(kept)
    lines = [number for (number,) in query("SELECT line FROM raw.rejected_events")]
    assert len(set(lines)) == len(lines) == records - len(kept)


# --- a million categories --------------------------------------------------------------------------------------------

LOAD = f"""
import resource
from datetime import date
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.warehouse import Warehouse
ingest(Warehouse.from_environment(), "till", *[date.fromisoformat("{DAY}")] * 2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
ROWS = 1_000_000


def memory_of_a_load(postgres: EmbeddedPostgres, folder: Path, categories: int) -> int:
    """Load ROWS rows of so many categories and as many products in a process of its own; return the most it held, in KiB."""
    folder.mkdir()
    environment = small_shop.configure(folder)
    path = folder / "landing" / "till" / f"{DAY}.csv"
    path.parent.mkdir()
    with path.open("w") as file:
        file.write(",".join(HEADER) + "\n")
        for number in range(ROWS):
            kind = f"{number % categories:07d}"
            file.write(f"{NOON},purchase,c{number % 50_000},b{number},item {kind},category {kind},1,2.50,0\n")
    name = f"categories_{categories}"
    postgres.create_database(name, template="migrated")
    try:
        done = subprocess.run(
            [sys.executable, "-c", LOAD],
            env=environment | {"WAREHOUSE_URL": postgres.url(name), "PYTHONPATH": str(REPO_DIR / "include")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        counted = "SELECT count(*), count(DISTINCT category), count(DISTINCT product_id) FROM raw.events"
        assert psql(postgres, name, counted) == (ROWS, categories, categories)
        assert psql(postgres, name, "SELECT sum(products), sum(units) FROM features.customer_day")[1] == ROWS
    finally:
        postgres.drop_database(name)
    return int(done.stdout.split()[-1])


def psql(postgres: EmbeddedPostgres, name: str, statement: str) -> tuple:
    import sqlalchemy as sa

    from customer_behavior.warehouse import Warehouse

    with Warehouse(postgres.url(name)).begin() as connection:
        return tuple(connection.execute(sa.text(statement)).one())


def test_a_million_categories_take_no_more_memory_than_ten(postgres, tmp_path):
    few = memory_of_a_load(postgres, tmp_path / "few", 10)
    many = memory_of_a_load(postgres, tmp_path / "many", ROWS)
    assert many < 1.5 * few, f"{many:,} KiB with {ROWS:,} categories, {few:,} KiB with 10"
