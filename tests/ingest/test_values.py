"""Single values of a file: ids, numbers, rows of nobody and columns without a name, from the landed file to the warehouse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from customer_behavior.errors import BadInputError
from customer_behavior.ingest.check import Report, check_file
from customer_behavior.ingest.report import lines_of
from customer_behavior.ingest.source import load_source
from customer_behavior.paths import INCLUDE_DIR
from customer_behavior.settings import load_shop
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.warehouse import Warehouse

DAY, NEXT = date(2024, 3, 5), date(2024, 3, 6)
TIME = f"{DAY} 10:00:00"
WEB: dict[str, Any] = {
    "description": "A web shop",
    "path": "web/{date}.csv",
    "timezone": "UTC",
    "currency": "USD",
    "max_lateness_days": 3,
    "constants": {"event_type": "purchase"},
    "columns": {
        "event_id": "id", "event_time": "time", "customer_id": "who", "session_id": "visit", "product_id": "item",
        "order_id": "order", "price": "price",
    },
    "reject_limit": 0.5,
}  # fmt: skip
HEADER = "id,time,who,visit,item,order,price"


@dataclass
class Web:
    """A web shop whose files are landed, checked and loaded."""

    folder: Path
    query: Callable[..., list[tuple]]
    warehouse: Warehouse

    def says(self, **changes: object) -> None:
        """Write the source's YAML; a change that is None takes a key away."""
        content = {key: value for key, value in (WEB | changes).items() if value is not None}
        (self.folder / "sources" / "web.yaml").write_text(yaml.safe_dump(content))

    def land(self, *lines: str, day: date = DAY, header: str = HEADER) -> Path:
        path = self.folder / "landing" / "web" / f"{day}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([header, *lines]) + "\n")
        return path

    def check(self, path: Path) -> Report:
        return check_file(load_source("web"), load_shop(), path)

    def load(self, *days: date) -> None:
        ingest(
            self.warehouse, "web", min(days or (DAY,)), max(days or (DAY,)), landing=self.folder / "landing", run_id="t"
        )

    def event(self, columns: str) -> list[tuple]:
        return self.query(f"SELECT {columns} FROM raw.events ORDER BY price, 1")

    @property
    def rejects(self) -> list[tuple]:
        return self.query("SELECT line, reason FROM raw.rejected_events ORDER BY 1")


@pytest.fixture
def web(landing: Path, query, warehouse) -> Web:
    shop = Web(landing.parent, query, warehouse)
    shop.says()
    return shop


# Ids


NONE = (
    "(not set)", "None", "null", "NULL", "undefined", "[object Object]", "0", "000", "-1", "nan", "N/A", "-", "#N/A",
    "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}", " Null\u00a0", "nu\u200bll", "0.0", "guest",
)  # fmt: skip


def test_what_is_no_id_is_nobody_in_the_check_and_the_load(web):
    web.says(customer_namespace="web")
    path = web.land(*(f"e{n},{TIME},{one},v{n},tea,o1,2" for n, one in enumerate([*NONE, "k1"])))
    report = web.check(path)
    assert report.mended == {"customer_id: no id": len(NONE)}
    assert any("customer_id: no id" in line for line in lines_of(report, load_source("web"), path))
    web.load()
    assert web.query("SELECT customer_id, count(*) FROM raw.events GROUP BY 1 ORDER BY 1") == [
        ("web:k1", 1),
        (None, len(NONE)),
    ]
    assert web.query("SELECT values_mended FROM raw.ingest_batches") == [({"customer_id: no id": len(NONE)},)]


def test_a_product_may_be_0_and_a_source_says_what_else_is_an_id(web):
    path = web.land(f"e1,{TIME},0,none,0,o1,2", f"e2,{TIME},walk-in,v2,(not set),o2,3")
    web.says(rules={"are_ids": {"customer_id": ["0"]}, "no_ids": {"customer_id": ["Walk-In"]}})
    web.load()
    assert web.check(path).mended == {"customer_id: no id": 1, "session_id: no id": 1, "product_id: no id": 1}
    assert web.event("customer_id, session_id, product_id") == [("0", None, "0"), (None, "v2", None)]


def test_a_row_without_its_own_id_gets_one_and_keeps_it(web):
    alike = f",{TIME},k1,v1,tea,o1,2"
    path = web.land(f"e1,{TIME},k1,v1,tea,o1,2", alike, alike, f"null,{TIME},k1,v1,milk,o1,3")
    assert web.check(path).usable
    web.load()
    first = web.event("event_id")
    assert len({one for (one,) in first}) == 4
    web.land(alike, day=NEXT)  # delivered again
    web.load(NEXT)
    assert web.event("event_id") == first
    assert web.query("SELECT rows_accepted, rows_duplicate FROM raw.ingest_batches ORDER BY batch_date") == [
        (4, 0),
        (0, 1),
    ]


def test_ids_a_spreadsheet_rounded_are_refused_with_the_remedy(web):
    path = web.land(f"e1,{TIME},4.68769E+18,v1,tea,o1,2", f"e2,{TIME},k2,v2,tea,o2,3")
    assert web.check(path).reasons == {"id_rounded": 1}
    web.load()
    assert web.rejects == [(2, "id_rounded")]
    [(said,)] = web.query("SELECT detail FROM raw.rejected_events")
    assert said.startswith("customer_id is 4.68769E+18")
    assert "export the column as text" in said


@pytest.mark.parametrize("rounded", ["4.68769E18", "4,68769E+18", "4.68769e+18", "1E+05"])
def test_rounded_ids_are_known_in_each_spelling(web, rounded):
    path = web.land(f'e1,{TIME},"{rounded}",v1,tea,o1,2', f"e2,{TIME},k2,v2,tea,o2,3")
    assert web.check(path).reasons == {"id_rounded": 1}
    web.load()
    assert web.rejects == [(2, "id_rounded")]


@pytest.mark.parametrize("written", ['"=""1001"""', "'1001", '"1001,0"', '"1001,00"', '"=""1001.0"""'])
def test_a_spreadsheet_s_spellings_of_1001_are_one_customer(web, written):
    path = web.land(f"e1,{TIME},1001,v1,tea,o1,2", f"e2,{TIME},{written},v2,tea,o2,3")
    assert sum(web.check(path).mended.values()) >= 1
    web.load()
    assert set(web.event("customer_id")) == {("1001",)}


@pytest.mark.parametrize("name", ["1E5", "3e10", "o'neill", "a=b", "1001,000", "12e4.b", "'tis"])
def test_ids_that_only_look_like_a_spreadsheet_s_stay_as_they_are(web, name):
    web.land(f'e1,{TIME},"{name}",v1,tea,o1,2')
    web.load()
    assert web.event("customer_id") == [(name,)]


def test_1001_and_1001_with_a_point_and_zero_are_one_but_versions_of_products_are_not(web):
    path = web.land(f"e1,{TIME},1001,v1,1.0,o1,2", f"e2,{TIME},1001.0,v2,1,77.0,3")
    assert web.check(path).mended == {"customer_id: .0 removed": 1, "order_id: .0 removed": 1}
    web.load()
    assert web.event("customer_id, product_id, order_id") == [("1001", "1.0", "o1"), ("1001", "1", "77")]
    web.says(rules={"whole_ids": []})
    web.load()
    assert web.event("customer_id")[1] == ("1001.0",)


def test_spaces_and_invisible_characters_make_no_other_customer(web):
    rough = ("k1", "k1\t", "\u00a0k1", "k1\u200b", "k\ufeff1", " k1 \u202f", "k1\u00ad")
    web.land(*(f"e{n},{TIME},{one},v1,tea,o1,2" for n, one in enumerate(rough)))
    web.load()
    assert web.event("DISTINCT customer_id, price") == [("k1", 2)]


def test_a_delivery_of_new_rows_only_repeats_nothing(web):
    columns = {name: column for name, column in WEB["columns"].items() if name != "event_id"}
    for deliveries, events in (("overlap", 1), ("apart", 2)):
        web.says(columns=columns, deliveries=deliveries)
        for day in (DAY, NEXT):
            web.land(f"x,{DAY},k1,v1,tea,o1,2", day=day)
        web.load(DAY, NEXT)
        web.load(DAY, NEXT)
        assert len(web.event("event_id")) == events


def test_the_second_item_of_a_record_meets_no_other_record(web):
    columns = {"event_id": "id", "event_time": "time", "customer_id": "who", "product_id": "items.sku"}
    web.says(format="jsonl", path="web/{date}.jsonl", explode="items", columns=columns)
    records = [("A", 3), ("A-2", 2), ("A-2-1", 1), ("A-1", 1), (None, 2)]
    (web.folder / "landing" / "web").mkdir()
    (web.folder / "landing" / "web" / f"{DAY}.jsonl").write_text(
        "".join(
            json.dumps({"id": one, "time": TIME, "who": "k1", "items": [{"sku": f"{one}/{n}"} for n in range(items)]})
            + "\n"
            for one, items in records
        )
    )
    web.load()
    ids = {one for (one,) in web.query("SELECT event_id FROM raw.events")}
    assert len(ids) == 9
    assert {"A", "A-2", "A-3"} <= ids


# Numbers


READ = {
    ",": {
        "1.299": 1299, "1.299,50": 1299.5, "2,5": 2.5, "1'299,50": 1299.5, "1\u00a0299,5": 1299.5, "7": 7, "1.299.000": 1299000,
        "0,125": 0.125, "(5,00)": -5,
    },
    ".": {"1.299": 1.299, "1,299": 1299, "1,299.50": 1299.5, "5.00-": -5, "\u22125": -5, "- 5": -5},
    None: {
        "1,299.50": 1299.5, "1\u2019299.50": 1299.5, "1 299.5": 1299.5, "1,299,000": 1299000, "12.50": 12.5, "1e2": 100,
        "0.125": 0.125, "1299.125": 1299.125, "(5.00)": -5, "-5.00": -5,
    },
}  # fmt: skip
REFUSED = {
    ",": ("2.50", "1,299.00", "1,2,3"),
    ".": ("1.299,00", "1,2,3", "5%"),
    None: ("2,50", "1,299", "1.299,00", "2 EUR", "€2", "5%", "1.2.3", "12,34.5", "(-5)", "0x1F", "1_000"),
}  # fmt: skip


@pytest.mark.parametrize("decimal", [",", ".", None])
def test_a_number_is_read_by_the_decimal_sign_of_its_source_or_refused(web, decimal):
    read, refused = READ[decimal], REFUSED[decimal]
    columns = {**WEB["columns"], "quantity": "units"}
    web.says(decimal=decimal, columns=columns, rules={"negative_quantity": "return"}, reject_limit=1)
    texts = [*read, *refused]
    path = web.land(*(f'e{n},{TIME},k1,v1,tea,o1,1,"{text}"' for n, text in enumerate(texts)), header=HEADER + ",units")
    assert web.check(path).reasons == {"number_unreadable": len(refused)}
    web.load()
    found = web.query("SELECT event_id, CASE event_type WHEN 'return' THEN -quantity ELSE quantity END FROM raw.events")
    assert {texts[int(one[1:])]: float(value) for one, value in found} == read
    assert web.rejects == [(2 + len(read) + n, "number_unreadable") for n in range(len(refused))]


@pytest.mark.parametrize(
    ("prices", "said"),
    [
        (["1.299", "5"], "no number in the file tells"),
        (["1.299", *["5"] * 20, "2,50"], "'2,50', a decimal comma, and '1.299'"),
        (["1.299", *["5"] * 20, "1.299.000"], "'1.299.000', a decimal comma, and '1.299'"),
    ],
)
def test_a_column_that_does_not_tell_1299_from_1_299_stops_the_batch(web, prices, said):
    path = web.land(*(f'e{n},{TIME},k1,v1,tea,o1,"{price}"' for n, price in enumerate(prices)))
    assert not web.check(path).usable
    assert said in lines_of(web.check(path), load_source("web"), path)[-1]
    with pytest.raises(BadInputError, match=r"declare decimal.* in include/sources/web.yaml") as error:
        web.load()
    assert said in str(error.value)
    assert web.event("price") == []


def test_the_other_numbers_of_a_file_may_tell(web):
    web.says(columns={**WEB["columns"], "quantity": "units"})
    web.land(f"e1,{TIME},k1,v1,tea,o1,2.50,1.250", header=HEADER + ",units")
    web.load()
    assert [float(one) for one in web.event("quantity")[0]] == [1.25]


# Rows of nobody


def nobodies(web: Web, number: int) -> Path:
    return web.land(*(f"e{n},{TIME},{'' if n < number else 'k'},,tea,,2" for n in range(20)))


@pytest.mark.parametrize(
    ("nobody", "events", "ledger"),
    [("keep", 20, (20, 20, 0, 0, 5, 0)), ("drop", 15, (20, 15, 0, 0, 5, 5)), ("reject", 15, (20, 15, 5, 0, 0, 0))],
)
def test_rows_of_nobody_are_counted(web, nobody, events, ledger):
    web.says(nobody=nobody, reject_limit=0.5 if nobody == "reject" else 0)
    path = nobodies(web, 5)
    report = web.check(path)
    assert (report.usable, report.nobody) == (True, ledger[4])
    web.load()
    assert len(web.event("event_id")) == events
    columns = "rows_read, rows_accepted, rows_rejected, rows_duplicate, rows_nobody, rows_dropped"
    assert web.query(f"SELECT {columns} FROM raw.ingest_batches") == [ledger]
    assert web.query("SELECT sum(events) FROM features.customer_day") == [(15,)]
    assert web.query("SELECT count(*) FROM raw.rejected_events") == [(ledger[2],)]


@pytest.mark.parametrize(
    ("nobody", "said"), [("keep", "nobody_limit"), ("drop", "nobody_limit"), ("reject", "reject_limit")]
)
def test_a_batch_that_is_nearly_all_nobodys_is_a_fault_of_the_mapping(web, nobody, said):
    web.says(nobody=nobody)
    path = nobodies(web, 11)
    assert not web.check(path).usable
    assert said in lines_of(web.check(path), load_source("web"), path)[-1]
    with pytest.raises(BadInputError, match=said):
        web.load()
    assert web.event("event_id") == []


def test_ga4_without_consent_loads(web):
    shutil.copy(INCLUDE_DIR / "sources" / "ga4.yaml", web.folder / "sources" / "web.yaml")
    (web.folder / "landing" / "ga4").mkdir()
    record = {"event_timestamp": "1709629261000000", "event_name": "page_view", "event_params": [], "items": []}
    consented = [{**record, "user_pseudo_id": f"{n}.1"} for n in range(20)]
    path = web.folder / "landing" / "ga4" / f"{DAY}.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in [*consented, record, record, record]))
    web.load()
    assert web.query("SELECT rows_accepted, rows_nobody FROM raw.ingest_batches") == [(23, 3)]


# Columns without a name


@pytest.mark.parametrize("quote", ["", '"'])
def test_empty_columns_at_the_end_are_none(web, quote):
    path = web.land(
        f"e1,{TIME},k1,v1,tea,{quote}o1{quote},2,,",
        f"e2,{TIME},k1,v1,tea,o2,3",
        f"e3,{TIME},k1,v1,tea,o3,4,,,",
        header=HEADER + ",,",
    )
    assert web.check(path).columns == HEADER.split(",")
    web.load()
    assert web.event("order_id") == [("o1",), ("o2",), ("o3",)]


def test_a_column_without_a_name_that_holds_values_is_said(web):
    path = web.land(f"e1,{TIME},k1,v1,tea,o1,2,,note", header=HEADER + ",,")
    assert "(column 9, without a name)" in "\n".join(lines_of(web.check(path), load_source("web"), path))
    web.load()
    assert web.rejects == []


def test_cells_beyond_the_header_that_hold_values_are_refused(web):
    web.says(reject_limit=1)
    web.land(f"e1,{TIME},k1,v1,tea,o1,2,,", f"e2,{TIME},k1,v1,tea,o2,3,x", f"e3,{TIME},k1,v1,tea,o3")
    web.load()
    assert web.rejects == [(3, "column_count"), (4, "column_count")]


def test_numbers_of_json_have_a_point_beside_texts_with_a_comma(web):
    web.says(
        format="jsonl",
        path="web/{date}.jsonl",
        decimal=",",
        columns={"event_time": "time", "customer_id": "who", "price": "price"},
    )
    path = web.folder / "landing" / "web" / f"{DAY}.jsonl"
    path.parent.mkdir(exist_ok=True)
    prices = (1.299, 12.5, 1000.0, "1.299", "13,50")
    path.write_text("".join(json.dumps({"time": TIME, "who": "k1", "price": one}) + "\n" for one in prices))
    assert web.check(path).rejected == 0
    web.load()
    assert [float(price) for (price,) in web.event("price")] == [1.299, 12.5, 13.5, 1000, 1299]
