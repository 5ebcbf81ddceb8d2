"""Filling down: an order's columns reach all of its rows, whatever the blocks, and no other order's."""

from __future__ import annotations

from datetime import date

import pytest

from customer_behavior.errors import BadInputError
from customer_behavior.ingest import blocks
from customer_behavior.ingest.filling import filled_down
from customer_behavior.ingest.reading import read_delimited
from customer_behavior.ingest.source import FillDown
from support import small_shop
from support.small_shop import line

DAY = date(2024, 3, 5)
ORDERS = """name,mail,item
#1,a@x,1
#1,,2
#1,,3
#2,,4
#2,b@x,5
#2,,6
,,7
,c@x,8
,,9
#1,,10
#3,d@x,11,too many
#3,,12
#4, ,13
#4,e@x,14
#4," ",15
"""
MAILS = ["a@x", "a@x", "a@x", None, "b@x", "b@x", None, "c@x", None, None, None, None, "e@x", "e@x"]
FILLED = {"fill_down": {"by": "basket", "columns": ["customer", "time"]}}


@pytest.mark.parametrize("block_bytes", [1, 8, 9, 20, 40, 64, 1 << 20])
def test_a_value_reaches_the_rows_of_its_own_run(tmp_path, monkeypatch, block_bytes):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
    (tmp_path / "f.csv").write_text(ORDERS)
    found = list(filled_down(read_delimited(tmp_path / "f.csv"), FillDown(by="name", columns=("mail",))))
    assert [mail for block in found for mail in block.table["mail"].to_pylist()] == MAILS
    items = [int(item) for block in found for item in block.table["item"].to_pylist()]
    assert items == [item for item in range(1, 16) if item != 11]
    assert [number for block in found for number in block.lines] == [item + 1 for item in items]


def test_a_file_does_not_go_on_in_the_next(landing, load, query):
    small_shop.configure(landing.parent, {**FILLED, "path": "till/{date}*.csv"})
    rest = {**line(""), "customer": ""}
    path = small_shop.land(landing, DAY, [line(f"{DAY} 10:00:00"), rest])
    path.rename(path.with_name(f"{DAY}_1.csv"))
    path = small_shop.land(landing, DAY, [rest, line(f"{DAY} 11:00:00", "c2"), rest])
    path.rename(path.with_name(f"{DAY}_2.csv"))
    load(DAY)
    assert query("SELECT customer_id, count(*) FROM raw.events GROUP BY 1 ORDER BY 1") == [("c1", 2), ("c2", 2)]
    assert query("SELECT file, line, reason FROM raw.rejected_events") == [
        (f"till/{DAY}_2.csv", 2, "time_missing"),
    ]


def test_the_column_to_fill_by_must_be_in_the_file(landing, load):
    small_shop.configure(landing.parent, {"fill_down": {"by": "order", "columns": ["customer"]}})
    small_shop.land(landing, DAY, [line(f"{DAY} 10:00:00")])
    with pytest.raises(BadInputError, match=r"column 'order', named by fill_down in include/sources/till\.yaml"):
        load(DAY)
