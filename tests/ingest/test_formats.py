"""Formats: the same rows as CSV, JSON Lines and Parquet become the same events; what is broken is refused alone, by name."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import tracemalloc
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_behavior.errors import BadInputError, PlatformError
from customer_behavior.ingest import blocks
from customer_behavior.ingest.ids import NO_IDS
from customer_behavior.ingest.jsonl import read_jsonl
from customer_behavior.ingest.parquet import read_parquet
from customer_behavior.ingest.reading import read_delimited
from support import small_shop
from support.small_shop import line

DAY = date(2024, 3, 5)
EVENTS = (
    "SELECT event_id, event_time, event_type, customer_id, product_id, category, brand, quantity, price, discount"
    " FROM raw.events ORDER BY 1"
)
FORMULAS = [
    "=cmd|' /C calc'!A0",
    "'; DROP TABLE raw.events; --",
    "+1+1",
    "@SUM(A1)",
    'a "quote", a comma',
    "Ünïcødé ☃",
    "\\N tea",
]


def lines() -> list[dict]:
    return [line(f"{DAY} 10:00:0{n}", customer=f"c{n}", item=text, price="2.5") for n, text in enumerate(FORMULAS)]


def land(landing: Path, rows: list[dict], ending: str) -> None:
    path = landing / "till" / f"{DAY}.{ending}"
    path.parent.mkdir(exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if ending == "jsonl":
        path.write_text(text)
    elif ending == "jsonl.gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif ending == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        small_shop.land(landing, DAY, rows)


def read(blocks_of_a_file) -> tuple[list[tuple], list[tuple]]:
    """Return (line, *values) of the records and (line, reason) of the refusals."""
    records, refusals = [], []
    for block in blocks_of_a_file:
        assert len(block.text) >= len(block.lines)
        rows = block.table.to_pylist()
        records += [(int(number), *row.values()) for number, row in zip(block.lines, rows, strict=True)]
        refusals += [(refusal.line, refusal.reason) for refusal in block.refusals]
    return records, refusals


def test_every_format_gives_the_same_events(landing, load, query):
    seen = []
    for form, ending in (("csv", "csv"), ("jsonl", "jsonl"), ("jsonl", "jsonl.gz"), ("parquet", "parquet")):
        small_shop.configure(landing.parent, {"format": form, "path": "till/{date}." + ending})
        land(landing, lines(), ending)
        assert load(DAY)["rows_read"] == len(FORMULAS)
        seen.append(query(EVENTS))
    verbatim = ["None" if text.lower() in NO_IDS else text for text in FORMULAS]
    assert sorted(str(row[4]) for row in seen[0]) == sorted(verbatim)
    assert seen[1:] == seen[:1] * 3


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_column_may_be_missing_if_the_source_says_so(landing, load, query, form):
    columns = {**small_shop.SOURCE_FILE["columns"], "brand": "maker"}
    source = {"format": form, "path": "till/{date}." + form, "columns": columns}
    land(landing, lines(), form)
    small_shop.configure(landing.parent, source)
    with pytest.raises(BadInputError, match=r"'maker', mapped to brand in .*till\.yaml, is not in the file"):
        load(DAY)
    small_shop.configure(landing.parent, {**source, "optional": ["maker"]})
    load(DAY)
    assert query("SELECT DISTINCT brand FROM raw.events") == [(None,)]


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 1_000), ("us", 1_000_000)])
def test_time_since_1970_is_read_in_its_unit(landing, load, query, unit, factor):
    small_shop.configure(landing.parent, {"format": "jsonl", "path": "till/{date}.jsonl", "time_unit": unit})
    land(landing, [line(1709650800 * factor), line(-1), line(9 * 10**18)], "jsonl")  # 2024-03-05 15:00 UTC
    small_shop.configure(
        landing.parent, {"format": "jsonl", "path": "till/{date}.jsonl", "time_unit": unit, "reject_limit": 1}
    )
    load(DAY)
    assert query("SELECT CAST(event_time AT TIME ZONE 'UTC' AS TEXT) FROM raw.events") == [("2024-03-05 15:00:00",)]
    assert query("SELECT line, reason FROM raw.rejected_events ORDER BY 1") == [
        (2, "time_unreadable"),
        (3, "time_unreadable"),
    ]


def test_nested_values_are_reached_by_name(tmp_path):
    record = {
        "user": {"id": 7},
        "a.b": "dot",
        "items": [{"id": "x"}],
        "params": [{"key": "sid", "value": {"int_value": 9}}],
        "n": None,
    }
    (tmp_path / "f.jsonl").write_text(json.dumps(record) + "\n")
    wanted = ["user.id", "a.b", "items.0.id", "items.4.id", "params.sid", "params.none", "items", "n"]
    records, refusals = read(read_jsonl(tmp_path / "f.jsonl", wanted))
    assert records == [(1, "7", "dot", "x", "9", '[{"id": "x"}]', None)]
    assert refusals == []
    pq.write_table(pa.Table.from_pylist([{"user": {"id": 7}, "items": [{"id": "x"}]}]), tmp_path / "f.parquet")
    assert read(read_parquet(tmp_path / "f.parquet", ["user.id", "items.0.id", "items"]))[0] == [
        (1, "7", "x", '[{"id": "x"}]')
    ]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{", "json_unreadable"),
        (b"[1]", "json_unreadable"),
        (b"[" * 100_000, "json_unreadable"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "json_unreadable"),
        (b'{"a": "\xff"}', "encoding"),
        (b'{"a": "\\ud800"}', "encoding"),
        (b'{"a": "\\u0000"}', "nul_byte"),
        (b'{"a": "' + b"x" * (2 << 20) + b'"}', "too_long"),
    ],
)
def test_a_bad_json_line_is_refused_alone(tmp_path, bad, reason):
    path = tmp_path / "f.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n' + bad + b'\n\n{"a": "z"}')
    assert read(read_jsonl(path, ["a"])) == ([(1, "1"), (4, "z")], [(2, reason)])


def test_parquet_rows_that_a_database_cannot_keep_are_refused_alone(tmp_path):
    strings = pa.array([b"ok", b"\xff", b"a\0b", None, b"end"], pa.binary())
    pq.write_table(pa.table({"a": strings, "b": [1.5, 2, 3, 4, 1e308]}), tmp_path / "f.parquet")
    records, refusals = read(read_parquet(tmp_path / "f.parquet", ["a", "b"]))
    assert records == [(1, "ok", "1.5"), (4, None, "4"), (5, "end", "1e+308")]
    assert refusals == [(2, "encoding"), (3, "nul_byte")]


@pytest.mark.parametrize("damage", [lambda whole: whole[: len(whole) // 2], lambda _: b"", lambda _: b"a,b\n1,2\n"])
def test_a_damaged_parquet_file_is_named(tmp_path, damage):
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"a": list(range(1000))}), path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadInputError, match=r"f\.parquet: not read as Parquet"):
        list(read_parquet(path, ["a"]))


@pytest.mark.parametrize("tail", [b"", b"\n2,y\n"])
def test_a_line_without_end_is_refused_in_bounded_memory(tmp_path, monkeypatch, tail):
    path = tmp_path / "f.csv.gz"
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1 << 20)
    path.write_bytes(gzip.compress(b"a,b\n1,x\n" + b"z" * (40 << 20) + tail))
    tracemalloc.start()
    records, refusals = read(read_delimited(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (records, refusals) == ([(2, "1", "x")] + ([(4, "2", "y")] if tail else []), [(3, "too_long")])
    assert peak < 16 << 20


@pytest.mark.parametrize("megabytes", [1.6, 10])
def test_a_long_line_inside_a_block_is_refused_alone(tmp_path, megabytes):
    (tmp_path / "f.csv").write_bytes(b"a,b\n1,x\n" + b"z" * int(megabytes * (1 << 20)) + b",y\n2,y\n")
    assert read(read_delimited(tmp_path / "f.csv")) == ([(2, "1", "x"), (4, "2", "y")], [(3, "too_long")])


@pytest.mark.parametrize("block_bytes", [8, 20, 64, 1 << 20])
def test_a_stray_quote_takes_no_good_line_with_it(tmp_path, monkeypatch, block_bytes):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
    content = b'a,b\n1,x\n"open,2\n2,"two\nlines"\n3,5" pipe\n"open,3\n4,y\n'
    (tmp_path / "f.csv").write_bytes(content)
    records, refusals = read(read_delimited(tmp_path / "f.csv"))
    assert records == [(2, "1", "x"), (4, "2", "two\nlines"), (6, "3", '5" pipe'), (8, "4", "y")]
    assert refusals == [(3, "unreadable"), (7, "unreadable")]


def test_a_quote_closed_in_a_line_of_another_width_takes_nothing_with_it(tmp_path):
    (tmp_path / "f.csv").write_bytes(b'a,b\n"open,2\n5,x\ny",3,4\n6,z\n')
    records, refusals = read(read_delimited(tmp_path / "f.csv"))
    assert records == [(3, "5", "x"), (5, "6", "z")]
    assert refusals == [(2, "unreadable"), (4, "column_count")]


def test_line_ends(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\r\n1,x\r\n2,y\r\n")
    assert read(read_delimited(path)) == ([(2, "1", "x"), (3, "2", "y")], [])
    path.write_bytes(b"a,b\n1,x\n2,y\rz\n3,w\n")
    assert read(read_delimited(path)) == ([(2, "1", "x"), (4, "3", "w")], [(3, "unreadable")])
    path.write_bytes(b"a,b\r1,x\r2,y\r")
    with pytest.raises(BadInputError, match="lone CR"):
        read(read_delimited(path))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1), min_size=2, max_size=2)
    ),
    st.sampled_from([5, 17, 64, 1 << 20]),
)
def test_no_row_is_lost_at_the_border_of_a_block(tmp_path_factory, rows, block_bytes):
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([["a", "b"], *rows])
    folder = tmp_path_factory.mktemp("csv")
    (folder / "f.csv").write_bytes(buffer.getvalue().encode())
    (folder / "f.jsonl").write_text("".join(json.dumps({"a": a, "b": b}) + "\n" for a, b in rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", block_bytes)
        for reader in (read_delimited(folder / "f.csv"), read_jsonl(folder / "f.jsonl", ["a", "b"])):
            records, refusals = read(reader)
            assert [list(record[1:]) for record in records] == rows
            assert refusals == []


@pytest.mark.parametrize("form", ["csv", "csv.gz", "jsonl", "parquet"])
def test_damaged_files_are_read_or_refused_in_words(tmp_path, form):
    """Two hundred seeded mutations of each format: a block, a refusal or a sentence, never another exception."""
    source = random.Random(form)
    path = tmp_path / f"f.{form}"
    rows = [{"a": str(n), "b": 'x"\n,' * (n % 4)} for n in range(40)]
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
        whole = path.read_bytes()
    elif form == "jsonl":
        whole = "".join(json.dumps(row) + "\n" for row in rows).encode()
    else:
        whole = b"a,b\n" + b"".join(f'{n},"{n}"\n'.encode() for n in range(40))
        whole = gzip.compress(whole) if form == "csv.gz" else whole
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(source.randint(1, 6)):
            place = source.randrange(len(content))
            content[place : place + source.randint(0, 3)] = source.choice(
                [b"\0", b'"', b"\r", b"\n", b"\xff", b"{", b"", b"9" * 30]
            )
        path.write_bytes(content)
        readers = {"jsonl": lambda: read_jsonl(path, ["a", "b"]), "parquet": lambda: read_parquet(path, ["a", "b"])}
        try:
            records, refusals = read(readers.get(form, lambda: read_delimited(path))())
            numbers = [record[0] for record in records] + [number for number, _ in refusals]
            assert len(set(numbers)) == len(numbers)
        except PlatformError as error:
            assert str(path) in str(error)


RECORDS = [
    {"price": 1.299, "more": {"price": Decimal("2.450")}},
    {"price": 12.5, "more": {"price": Decimal("12.5")}},
    {"price": 1e-7, "more": {"price": None}},
]


def test_a_number_has_the_decimal_sign_that_its_columns_texts_have(tmp_path):
    """JSON and Parquet write numbers with a point, whatever sign the texts of a source have."""
    wanted, text = ["price", "more.price"], tmp_path / "f.jsonl"
    text.write_text("".join(json.dumps(one, default=float) + "\n" for one in RECORDS) + '{"price": "1.299"}\n')
    pq.write_table(pa.Table.from_pylist(RECORDS), tmp_path / "f.parquet")
    said = [("1,299", "2,45"), ("12,5", "12,5"), ("1e-07", None)]
    assert [row[1:] for row in read(read_jsonl(text, wanted, commas=wanted))[0]] == [*said, ("1.299", None)]
    found = [row[1:] for row in read(read_parquet(tmp_path / "f.parquet", wanted, commas=wanted))[0]]
    assert found == [("1,299", "2,450"), ("12,5", "12,500"), ("1e-7", None)]
    pq.write_table(pa.table({"price": [Decimal("1.299"), None]}), tmp_path / "f.parquet")
    assert read(read_parquet(tmp_path / "f.parquet", ["price"], commas=["price"]))[0] == [(1, "1,299"), (2, None)]
