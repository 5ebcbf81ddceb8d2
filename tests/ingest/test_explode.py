"""Exploding: each item of a record's list is an event, in one delivery and in several, and refused alone."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customer_behavior.asof import ONE_DAY
from customer_behavior.cli import main
from customer_behavior.errors import BadInputError
from customer_behavior.ingest.jsonl import read_jsonl
from customer_behavior.ingest.parquet import read_parquet
from support import small_shop

DAY = date(2024, 3, 5)
COLUMNS = {
    "event_time": "time", "event_type": "type", "customer_id": "customer", "order_id": "basket",
    "product_id": "goods.id", "price": "goods.price",
}  # fmt: skip
LEDGER = "SELECT rows_read, rows_accepted, rows_rejected, rows_duplicate FROM raw.ingest_batches ORDER BY batch_date"


def basket(*goods: dict, **more) -> dict:
    return {**small_shop.line(f"{DAY} 10:00:00"), "goods": list(goods), **more}


def good(name: str, price: object = 2.5) -> dict:
    return {"id": name, "price": price}


def land(landing: Path, form: str, day: date, *records: dict, **source) -> Path:
    named = {"format": form, "path": f"till/{{date}}.{form}", "explode": "goods", "columns": COLUMNS}
    small_shop.configure(landing.parent, {**named, "optional": ["goods.id", "goods.price"], **source})
    path = landing / "till" / f"{day}.{form}"
    path.parent.mkdir(exist_ok=True)
    if form == "jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    else:
        pq.write_table(pa.Table.from_pylist(list(records)), path)
    return path


forms = pytest.mark.parametrize("form", ["jsonl", "parquet"])


@forms
def test_each_item_is_a_row_of_its_line(landing, form):
    records = [basket(good("a"), good("b")), basket(), basket(good("c")), basket(good("d")) | {"goods": None}]
    path = land(landing, form, DAY, *records)
    reader = read_jsonl if form == "jsonl" else read_parquet
    [block] = reader(path, ["customer", "goods.id"], "goods")
    assert block.table.to_pylist() == [{"customer": "c1", "goods.id": one} for one in ("a", "b", None, "c", None)]
    assert block.items is not None
    assert list(zip(block.lines.tolist(), block.items.tolist(), strict=True)) == [
        (1, 1),
        (1, 2),
        (2, 1),
        (3, 1),
        (4, 1),
    ]
    [block] = reader(path, ["customer", "goods.0.id"])
    assert (block.table["goods.0.id"].to_pylist(), block.items) == (["a", None, "c", None], None)


@forms
def test_alike_items_are_events_of_their_own_once_in_two_batches(landing, load, query, form):
    records = [basket(good("tea"), good("milk"), good("tea")), basket(good("tea"))]
    for day in (DAY, DAY + ONE_DAY):
        land(landing, form, day, *records)
    for _ in range(2):
        load(DAY, DAY + ONE_DAY)
        assert query("SELECT product_id, order_id, batch_date, count(DISTINCT event_id), count(*) FROM raw.events GROUP BY 1, 2, 3"
                     " ORDER BY 1") == [("milk", "b1", DAY, 1, 1), ("tea", "b1", DAY, 3, 3)]  # fmt: skip
        assert query(LEDGER) == [(4, 4, 0, 0), (4, 0, 0, 4)]


def test_items_of_an_event_with_an_id_are_told_apart(landing, load, query):
    records = [basket(good("tea"), good("milk"), id="e1"), basket(id="e2")]
    for day in (DAY, DAY + ONE_DAY):
        land(landing, "jsonl", day, *records, columns={**COLUMNS, "event_id": "id"})
    load(DAY, DAY + ONE_DAY)
    assert query("SELECT event_id, product_id FROM raw.events ORDER BY 1") == [
        ("e1", "tea"), ("e1-2", "milk"), ("e2", None),
    ]  # fmt: skip
    assert query(LEDGER) == [(3, 3, 0, 0), (3, 0, 0, 3)]


def test_an_id_of_the_item_is_taken_as_it_is(landing, load, query):
    columns = {**COLUMNS, "event_id": "goods.id"}
    land(landing, "jsonl", DAY, basket(good("x"), good("y")), columns=columns)
    load(DAY)
    assert query("SELECT event_id FROM raw.events ORDER BY 1") == [("x",), ("y",)]


@forms
def test_an_item_that_cannot_be_an_event_is_refused_alone(landing, load, query, form):
    land(landing, form, DAY, basket(good("tea"), good("milk", 1e12), good("wine")), basket(good("soap")))
    load(DAY)
    assert query("SELECT product_id FROM raw.events ORDER BY 1") == [("soap",), ("tea",), ("wine",)]
    [(line, reason, text)] = query("SELECT line, reason, raw_text FROM raw.rejected_events")
    assert (line, reason) == (1, "number_unreadable")
    assert '"milk"' in text
    assert query(LEDGER) == [(4, 3, 1, 0)]


def test_a_line_with_an_item_that_cannot_be_kept_is_refused_once(landing, load, query):
    land(landing, "jsonl", DAY, basket(good("a\0"), good("b\0"), good("c")), basket(good("soap")))
    load(DAY)
    assert query("SELECT line, reason FROM raw.rejected_events") == [(1, "nul_byte")]
    assert query(LEDGER) == [(2, 1, 1, 0)]


def test_of_parquet_only_the_item_that_cannot_be_kept_is_refused(landing, load, query):
    land(landing, "parquet", DAY, basket(good("soap")), basket(good("a"), good("b\0"), good("c")))
    load(DAY)
    assert query("SELECT line, reason FROM raw.rejected_events") == [(2, "nul_byte")]
    assert query("SELECT product_id FROM raw.events ORDER BY 1") == [("a",), ("c",), ("soap",)]


def test_rows_without_the_list_are_rows(landing, load, query):
    land(landing, "parquet", DAY, small_shop.line(f"{DAY} 10:00:00"))
    load(DAY)
    assert query(LEDGER) == [(1, 1, 0, 0)]


def test_a_column_that_holds_no_lists_is_named(landing, load):
    land(landing, "parquet", DAY, basket(goods={"id": "a"}))
    with pytest.raises(BadInputError, match=r"\.parquet: explode names 'goods', which holds no lists but struct"):
        load(DAY)


def test_a_file_without_a_date_is_checked(landing, capsys):
    path = land(landing, "jsonl", DAY, basket(good("tea"), good("milk")), basket())
    path = path.rename(path.with_name("new.jsonl"))
    main(["check-source", "--source", "till", "--file", str(path)])
    said = capsys.readouterr().out
    assert "batch 2024-03-05" in said
    assert "rows: 3 read, 3 accepted" in said
    assert "a row for each item" in said
