"""Hostile files through a whole load into PostgreSQL: every record is accounted for, no good row is lost, nothing is executed.

What a file holds is counted where it is made, never by the reader under test.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customer_behavior.errors import BadInputError, PlatformError
from customer_behavior.ingest import blocks, jsonl
from support import small_shop
from support.small_shop import HEADER, line

DAY = date(2024, 3, 5)
NOON = f"{DAY} 12:00:00"
HEAD = (",".join(HEADER) + "\n").encode()
ENDINGS = {
    "csv": ("csv", "csv"),
    "csv.gz": ("csv", "csv.gz"),
    "jsonl": ("jsonl", "jsonl"),
    "parquet": ("parquet", "parquet"),
}
LEDGER = "SELECT rows_read, rows_accepted, rows_rejected, rows_duplicate FROM raw.ingest_batches"
REASONS = "SELECT line, reason FROM raw.rejected_events ORDER BY line, reason"


def good(item: str, **changes: Any) -> dict:
    """A line that is an event, known again by its item."""
    return line(NOON, **{"item": item, "basket": f"b-{item}"[:40], **changes})


def as_csv(rows: Iterable[dict]) -> bytes:
    """Lines without a header."""
    text = io.StringIO()
    csv.DictWriter(text, HEADER, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def as_jsonl(rows: Iterable[dict]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def encoded(form: str, rows: list[dict]) -> bytes:
    """The whole file of some rows."""
    if form == "parquet":
        buffer = io.BytesIO()
        pq.write_table(
            pa.Table.from_pylist([{name: str(value) for name, value in row.items()} for row in rows]), buffer
        )
        return buffer.getvalue()
    if form == "jsonl":
        return as_jsonl(rows)
    content = HEAD + as_csv(rows)
    return gzip.compress(content, mtime=0) if form == "csv.gz" else content


@pytest.fixture
def deliver(landing: Path, load, query) -> Callable[..., list[tuple[int, str]]]:
    """Land the bytes of a file and load it: of `records` in it the items `kept` are events, the rest are rejects.

    Return (line, reason) of the rejects.
    """

    def run(form: str, content: bytes, records: int, kept: Iterable[str], **source: object) -> list[tuple[int, str]]:
        path = landed(landing, form, content, **source)
        kept = list(kept)
        assert load(DAY)["rows_read"] == records
        assert query(LEDGER) == [(records, len(kept), records - len(kept), 0)], path
        assert Counter(item for (item,) in query("SELECT product_id FROM raw.events")) == Counter(kept)
        rejects = query(REASONS)
        assert len(rejects) == records - len(kept)
        return rejects

    return run


def landed(landing: Path, form: str, content: bytes, **source: object) -> Path:
    kind, ending = ENDINGS[form]
    small_shop.configure(
        landing.parent, {"format": kind, "path": "till/{date}." + ending, "reject_limit": 1.0, **source}
    )
    path = landing / "till" / f"{DAY}.{ending}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def refused(landing: Path, load, query) -> Callable[..., str]:
    """Load a file that is of no use as a whole: the error names it, and a batch loaded before stays. Return the message."""

    def run(form: str, content: bytes, **source: object) -> str:
        landed(landing, form, encoded(form, [good("before")]))
        load(DAY)
        path = landed(landing, form, content, **source)
        with pytest.raises(BadInputError) as caught:
            load(DAY)
        assert query("SELECT product_id FROM raw.events") == [("before",)]
        assert query(LEDGER) == [(1, 1, 0, 0)]
        said = str(caught.value)
        assert path.name in said or f"till {DAY}" in said
        return said

    return run


# --- encodings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "csv.gz", "jsonl"])
def test_of_a_latin_1_file_the_lines_that_are_no_utf_8_are_rejects(deliver, form):
    rows = [good("Milch"), good("Käse"), good("Brot"), good("Crème brûlée")]
    if form == "jsonl":
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("latin-1")
    else:
        content = (HEAD + as_csv(rows)).decode().encode("latin-1")
    first = 1 if form == "jsonl" else 2
    rejects = deliver(form, gzip.compress(content) if form == "csv.gz" else content, 4, ["Milch", "Brot"])
    assert rejects == [(first + 1, "encoding"), (first + 3, "encoding")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_in_another_unicode_is_refused_with_the_cure(refused, encoding):
    content = (HEAD + as_csv([good("milk")])).decode()
    assert "UTF-8" in refused("csv", content.encode(encoding))
    rows = as_jsonl([good("milk"), good("tea")]).decode()
    assert "rows refused, more than the reject_limit" in refused("jsonl", rows.encode(encoding), reject_limit=0.5)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_byte_order_mark_of_utf_8_is_no_part_of_the_first_name(deliver, form):
    assert deliver(form, b"\xef\xbb\xbf" + encoded(form, [good("Käse"), good("茶")]), 2, ["Käse", "茶"]) == []


# --- broken files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.9999])
def test_a_truncated_gzip_is_refused_whole_and_named(refused, share):
    whole = encoded("csv.gz", [good(f"i{n}", price=n) for n in range(5_000)])
    assert "the gzip stream is broken" in refused("csv.gz", whole[: max(12, int(share * len(whole)))])


@pytest.mark.parametrize("block_bytes", [1 << 12, 32 << 20])
def test_a_flipped_bit_in_a_gzip_is_found_wherever_it_is(refused, monkeypatch, block_bytes):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)  # with small ones its good part has been read by then
    whole = encoded("csv.gz", [good(f"i{n}", price=n) for n in range(2_000)])
    for place in (*range(20, len(whole) - 8, len(whole) // 6), len(whole) - 6, len(whole) - 2):
        flipped = bytearray(whole)
        flipped[place] ^= 0x10
        assert "the gzip stream is broken" in refused("csv.gz", bytes(flipped)), place


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])  # nothing of it is an upload that has not begun
def test_a_truncated_parquet_file_is_refused_whole_and_named(refused, share):
    whole = encoded("parquet", [good(f"i{n}") for n in range(1_000)])
    assert "not read as Parquet" in refused("parquet", whole[: int(share * len(whole))])


def test_a_parquet_file_with_a_flipped_bit_is_refused_or_accounted_for(landing, load, query):
    whole = encoded("parquet", [good(f"i{n}", price=n) for n in range(500)])
    ends: Counter[str] = Counter()
    for place in range(4, len(whole), len(whole) // 25):
        flipped = bytearray(whole)
        flipped[place] ^= 0x04
        landed(landing, "parquet", bytes(flipped))
        try:
            load(DAY)
            [(read, *parts)] = query(LEDGER)
            assert read == sum(parts) == 500
            ends["loaded"] += 1
        except PlatformError as error:
            assert f"{DAY}.parquet" in str(error)
            ends["refused"] += 1
    assert ends["refused"] > 3


# --- lines that are too long, or hold what no database keeps ---------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "csv.gz", "jsonl"])
def test_a_line_of_ten_megabytes_is_refused_alone(deliver, form):
    content = encoded(form.removesuffix(".gz"), [good("milk"), good("x" * (10 << 20)), good("tea")])
    rejects = deliver(form, gzip.compress(content) if form == "csv.gz" else content, 3, ["milk", "tea"])
    assert rejects == [(2 if form == "jsonl" else 3, "too_long")]


@pytest.mark.parametrize("block_bytes", [64, 700, 1 << 20])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_long_lines_are_refused_alone_wherever_blocks_end(deliver, monkeypatch, form, block_bytes):
    monkeypatch.setattr(blocks, "MAX_RECORD_BYTES", 600)
    monkeypatch.setattr(jsonl, "MAX_RECORD_BYTES", 600)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
    long = {4, 5, 11, 19}
    rows = [good(f"i{n}" + "x" * (n * 13 if n not in long else 601 + n * 100)) for n in range(20)]
    kept = [row["item"] for n, row in enumerate(rows) if n not in long]
    rejects = deliver(form, encoded(form, rows), 20, kept)
    assert rejects == [(n + (1 if form == "jsonl" else 2), "too_long") for n in sorted(long)]


def test_a_quoted_field_of_ten_megabytes_with_line_ends_loses_no_line_around_it(landing, load, query):
    inner = 20_000
    content = HEAD + as_csv([good("milk"), good("tall\n" + ("y" * 520 + "\n") * inner, basket="b9"), good("tea")])
    landed(landing, "csv", content)
    load(DAY)
    [(read, accepted, rejected, duplicate)] = query(LEDGER)
    assert read == accepted + rejected + duplicate
    assert sorted(item for (item,) in query("SELECT product_id FROM raw.events")) == ["milk", "tea"]
    assert rejected == inner + 2  # its lines, each alone: none is an event


def test_nul_bytes(deliver):
    rows = [as_csv([good("milk")]), as_csv([good("a\0b")]), b'"\0",' + as_csv([good("quoted")]), as_csv([good("tea")])]
    rejects = deliver("csv", HEAD + b"".join(rows), 4, ["milk", "tea"])
    assert [number for number, _ in rejects] == [3, 4]
    lines = [good("milk"), good("a\0b"), {**good("elsewhere"), "unmapped": "\0"}, good("tea", group="\0")]
    raw = as_jsonl(lines) + as_jsonl([good("raw?")]).replace(b"?", b"\0")
    rejects = deliver("jsonl", raw, 5, ["milk", "elsewhere"])
    assert rejects == [(2, "nul_byte"), (4, "nul_byte"), (5, "json_unreadable")]
    rejects = deliver("parquet", encoded("parquet", lines), 4, ["milk", "elsewhere"])
    assert rejects == [(2, "nul_byte"), (4, "nul_byte")]


def test_nested_json_where_a_text_or_a_number_is_expected(deliver, query):
    rows = [
        good("plain"),
        good("nested", group={"a": [1, {"b": None}]}),
        good("list", customer=["c1", "c2"]),
        good("bool", units=True),
        good("object", price={"amount": 2}),
        good("number", price=2),
        good("exponent", price=2.5e0),
    ]
    deep = b'{"a":' * 200_000
    lines = as_jsonl(rows) + deep + b"\n" + b"[1]\n" + b'{"time": NaN}\n' + as_jsonl([good("last")])
    rejects = deliver("jsonl", lines, len(rows) + 4, ["plain", "nested", "list", "number", "exponent", "last"])
    assert [number for number, _ in rejects] == [4, 5, 8, 9, 10]
    assert query("SELECT category FROM raw.events WHERE product_id = 'nested'") == [('{"a": [1, {"b": null}]}',)]


# --- numbers and times -----------------------------------------------------------------------------------------------


def test_numbers_that_no_amount_can_be_are_rejects_and_stop_nothing(deliver, query):
    bad = [
        "1e308",
        "-1e308",
        "NaN",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "1e309",
        "1000000000.1",
        "0x10",
        "1,5",
        "٣",
        "5%",
        "--1",
    ]
    fine = {"-0": 0, "-0.0": 0, "1e9": 10**9, "1e-400": 0, " 7 ": 7, ".5": 0.5, "+5": 5}
    rows = [good(f"fine {n}", price=text) for n, text in enumerate(fine)]
    rows += [good(f"bad {n}", price=text) for n, text in enumerate(bad)]
    rows += [good(f"bad units {n}", units=text) for n, text in enumerate(bad)]
    for form in ("csv", "jsonl", "parquet"):
        kept = [row["item"] for row in rows if row["item"].startswith("fine")]
        rejects = deliver(form, encoded(form, rows), len(rows), kept)
        assert {reason for _, reason in rejects} == {"number_unreadable"}
        prices = dict(query("SELECT product_id, price FROM raw.events"))
        assert [float(prices[item]) for item in kept] == list(fine.values())
    floats = [
        {**good(f"i{n}"), "price": price} for n, price in enumerate([1e308, float("nan"), float("-inf"), -0.0, 2.5])
    ]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(floats), buffer)
    assert len(deliver("parquet", buffer.getvalue(), 5, ["i3", "i4"])) == 3


@pytest.mark.parametrize("total", [False, True])
def test_a_line_whose_amounts_no_decimal_holds_is_refused_alone(deliver, query, total):
    columns = dict(small_shop.SOURCE_FILE["columns"])
    if total:
        columns |= {"line_total": columns.pop("price"), "line_discount": columns.pop("discount")}
    huge = (
        [("1e9", "1e9"), ("-1e9", "1e9"), ("1e9", "1e6")]
        if not total
        else [("1e-300", "1e9"), ("1e-9", "1e9"), ("-1e-300", "1")]
    )
    rows = [good(f"huge {n}", units=units, price=price) for n, (units, price) in enumerate(huge)] * 3
    rows += [good("milk"), good("large", units="1e3", price="1e9")]
    if total:
        rows.append(good("huge off", units="1e-300", price="0", off="1"))
    rejects = deliver("csv", encoded("csv", rows), len(rows), ["milk", "large"], columns=columns)
    assert {reason for _, reason in rejects} == {"number_unreadable"}
    revenue = 2.5 + (1e9 if total else 1e12)
    assert query("SELECT revenue FROM features.customer_day") == [(revenue,)]


def test_times_far_away_and_times_that_are_none_are_rejects(deliver):
    far = [
        "1900-01-01 00:00:00",
        "2999-12-31 23:59:59",
        "9999-12-31T23:59:59Z",
        "294247-01-10 04:00:54Z",
        "0001-01-01 00:00:00",
    ]
    none = [
        "0000-00-00 00:00:00",
        "2024-02-30 10:00:00",
        f"{DAY} 25:00:00",
        "infinity",
        "epoch",
        "now",
        "1e5",
        "NaN",
        "today",
    ]
    rows = [good("milk"), *(good("far") | {"time": stamp} for stamp in far)]
    rows += [good("none") | {"time": stamp} for stamp in none]
    for form in ("csv", "jsonl", "parquet"):
        rejects = deliver(form, encoded(form, rows), len(rows), ["milk"])
        assert [reason for _, reason in rejects] == ["time_outside_batch"] * len(far) + ["time_unreadable"] * len(none)
