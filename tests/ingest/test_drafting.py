"""A stranger's files: the draft of a source names the right columns, loads with no edit, and is right about every row."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from customer_behavior.cli import main
from customer_behavior.ingest.drafting.draft import draft_source
from customer_behavior.ingest.drafting.onboarding import onboard
from customer_behavior.ingest.source import Source
from customer_behavior.settings import load_shop
from customer_behavior.stages.ingest_events import ingest
from support import stranger_files as files
from support.stranger_files import check

DAY = date(2024, 3, 25)
SHAPES: dict[str, tuple[str, dict[str, str | list[str]], dict[str, Any]]] = {
    "wholesaler": (
        files.wholesaler(),
        {
            "event_time": "InvoiceDate",
            "customer_id": "CustomerID",
            "session_id": "InvoiceNo",
            "order_id": "InvoiceNo",
            "product_id": "StockCode",
            "quantity": "Quantity",
            "price": "UnitPrice",
            "country": "Country",
        },
        {
            "time_format": "%m/%d/%Y %H:%M",
            "rules": {"negative_quantity": "return"},
            "timezone": "Europe/London",
            "currency": "GBP",
            "constants": {"event_type": "purchase"},
        },
    ),
    "german": (
        files.german(),
        {
            "event_time": "Kaufdatum",
            "customer_id": "Kundennr.",
            "order_id": "Bestellnummer",
            "product_id": "Artikel-Nr.",
            "quantity": "Menge",
            "price": "Einzelpreis (EUR)",
        },
        {"delimiter": ";", "time_format": "%d.%m.%Y %H:%M", "currency": "EUR"},
    ),
    "movielens": (
        files.movielens(),
        {"event_time": "event_time", "customer_id": "customer_id", "product_id": "product_id"},
        {
            "delimiter": "\t",
            "header": ["customer_id", "product_id", "column_3", "event_time"],
            "time_unit": "s",
            "timezone": "UTC",
        },
    ),
    "clickstream": (
        files.clickstream(),
        {
            "event_time": "event_time",
            "event_type": "event_type",
            "customer_id": "user_id",
            "session_id": "user_session",
            "product_id": "product_id",
            "price": "price",
            "category": "category_code",
            "brand": "brand",
        },
        {"timezone": "UTC"},
    ),
    "till": (
        files.till(),
        {
            "event_time": ["Date", "Time"],
            "customer_id": "Card No",
            "session_id": "Receipt No",
            "order_id": "Receipt No",
            "product_id": "EAN",
            "quantity": "Qty",
            "line_total": "Amount",
        },
        {"time_format": "%d/%m/%Y %H:%M:%S"},
    ),
    "nested": (
        files.nested(),
        {
            "event_time": "placed",
            "customer_id": "buyer.id",
            "order_id": "orderNumber",
            "product_id": "lines.sku",
            "quantity": "lines.qty",
            "price": "lines.unitPrice",
            "country": "buyer.country",
            "currency": "currency",
        },
        {"format": "jsonl", "explode": "lines", "currency": "EUR", "timezone": "UTC"},
    ),
    "french": (
        files.french(),
        {
            "event_time": "Date d'achat",
            "customer_id": "Client",
            "order_id": "N° commande",
            "product_id": "Référence",
            "quantity": "Quantité",
            "price": "Prix unitaire",
        },
        {"delimiter": "|", "time_format": "%d/%m/%y %H:%M"},
    ),
    "codes": (
        files.codes(),
        {
            "event_time": "event_time",
            "event_type": "event_type",
            "customer_id": "customer_id",
            "product_id": "product_id",
        },
        {
            "header": ["customer_id", "product_id", "column_3", "event_type", "event_time"],
            "event_types": {"pv": "view", "buy": "purchase"},
        },
    ),
    "letters": (
        files.letters(),
        {"event_time": "ts", "event_type": "ev", "customer_id": "uid", "session_id": "sess", "product_id": "iid"},
        {"time_unit": "ms", "event_types": {"V": "view", "C": "cart", "P": "purchase"}},
    ),
    "nameless": (
        files.nameless(),
        {
            "event_time": "f2",
            "customer_id": "f1",
            "order_id": "f3",
            "product_id": "f4",
            "quantity": "f5",
            "price": "f6",
        },
        {},
    ),
}
COMMAS = {"german", "french"}


def write(folder: Path, shape: str) -> Path:
    return files.write(folder, "export.jsonl" if shape == "nested" else "export.csv", SHAPES[shape][0])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_draft_is_right_and_the_file_would_load_whole(landing, shape):
    _, columns, keys = SHAPES[shape]
    path = write(landing, shape)
    done = onboard("shop", path, load_shop())
    assert done.source, done.why_not
    draft = yaml.safe_load(done.draft.text)
    assert draft["columns"] == columns
    assert {name: draft.get(name) for name in keys} == keys
    if shape in COMMAS and "decimal" not in Source.model_fields:
        assert "the decimal sign is ," in done.draft.text
        return
    assert draft.get("decimal", ".") == ("," if shape in COMMAS else ".")
    assert done.report and done.report.usable and done.report.rejected == 0
    header = 0 if "header" in draft or shape == "nested" else 1
    if shape != "nested":
        assert done.report.rows == SHAPES[shape][0].count("\n") - header


@pytest.mark.parametrize("shape", ["wholesaler", "movielens", "till", "nested"])
def test_accepted_and_landed_it_loads(landing, warehouse, query, shape):
    assert check("--source", "newshop", "--file", str(write(landing, shape)), "--accept") == 0
    shop = load_shop()
    source = yaml.safe_load((landing.parent / "sources" / "newshop.yaml").read_text())
    assert shop.sources == ("till", "newshop")
    target = landing / source["path"].format(date=DAY)
    target.parent.mkdir()
    target.write_text(SHAPES[shape][0])
    assert ingest(warehouse, "newshop", DAY, DAY, landing=landing)["rows_rejected"] == 0
    [(orders, customers, revenue)] = query(
        "SELECT count(DISTINCT order_id), count(DISTINCT customer_id), sum(price * quantity) FROM raw.events"
    )
    assert customers >= 30
    if "order_id" in SHAPES[shape][1]:
        assert orders == files.VISITS
    if shape in ("till", "nested", "nameless"):  # no returns, all of it purchases
        number = {"till": 5, "nested": 6, "nameless": 10}[shape]
        due = sum(units * price for *_, items in files.orders(number) for _, units, price in items)
        assert float(revenue) == pytest.approx(due)


def test_a_history_in_one_file_is_judged_day_by_day(landing, capsys):
    path = files.write(landing, "export.csv", files.wholesaler(days=60))
    assert check("--source", "newshop", "--file", str(path), "--accept") == 0
    said = capsys.readouterr().out
    assert "a history: each row judged as of the batch of its own day" in said and " 0 rejected" in said
    assert 'run load_history with\n  {"source": "newshop", "file": "history/export.csv"}' in said


def test_codes_that_nobody_can_read_are_left_to_a_person(landing):
    rows = [[f"2024-03-25 10:{n % 60:02d}:00", f"c{n % 9}", f"p{n % 11}", (1, 1, 1, 4, 3)[n % 5]] for n in range(300)]
    path = files.write(landing, "export.csv", files.table(rows, ["time", "user_id", "item_id", "behavior_type"]))
    text = draft_source("shop", path, load_shop()).text
    assert yaml.safe_load(text)["event_types"] == {"1": "other", "4": "other", "3": "other"}
    assert re.search(r"'1': other +# TODO what is it\? 60.0% of rows, the most frequent; usually views", text)


@pytest.mark.parametrize(("encoding", "words"), [("cp1252", "ISO-8859-1"), ("utf-16", "UTF-16")])
def test_another_encoding_is_named_with_the_remedy(landing, encoding, words):
    done = onboard("shop", files.write(landing, "export.csv", files.french(), encoding), load_shop())
    assert f"iconv -f {words} -t UTF-8 export.csv" in done.draft.text
    assert yaml.safe_load(done.draft.text)["columns"] == SHAPES["french"][1]


def test_files_that_are_none_of_these_say_what_to_deliver(landing, capsys):
    for name, content, words in (
        ("book.xlsx", b"PK\x03\x04", "save the sheet as CSV"),
        ("all.json", b'[{"a": 1}]', "jq -c '.[]' all.json"),
        ("none.csv", b"", "the file is empty"),
    ):
        (landing / name).write_bytes(content)
        with pytest.raises(SystemExit, match=re.escape(words)):
            main(["check-source", "--source", "newshop", "--file", str(landing / name)])


def test_several_currencies_are_a_column_and_the_commonest_is_the_shops(landing):
    rows = [
        [f"2024-03-25 10:{n % 60:02d}:00", f"c{n % 9}", f"p{n % 11}", "2.50", ("EUR", "EUR", "SEK")[n % 3]]
        for n in range(90)
    ]
    path = files.write(landing, "export.csv", files.table(rows, ["time", "customer", "product", "price", "currency"]))
    done = onboard("shop", path, load_shop())
    assert done.source and done.source.columns["currency"] == "currency"
    assert done.changes["currency"] == done.source.currency == "EUR"
    assert "EUR in 66.7% of rows, also SEK 33.3%" in done.draft.text
    assert done.report and done.report.reasons == {"currency_without_rate": 30}


def test_an_orders_first_row_fills_its_others_down(landing):
    rows = []
    for at, order, customer, items in files.orders(11):
        for number, (item, units, price) in enumerate(items):
            head = [
                f"#{order}",
                f"kim{customer}@example.org" if order % 3 else "",
                f"{at:%Y-%m-%d %H:%M:%S} +0100",
                "web",
            ]
            rows.append([*(head if number == 0 else [head[0], "", "", ""]), f"S{item}", units, price])
    header = ["Name", "Email", "Created at", "Source", "Lineitem sku", "Lineitem quantity", "Lineitem price"]
    done = onboard("shop", files.write(landing, "export.csv", files.table(rows, header)), load_shop())
    assert done.source and done.source.fill_down
    assert done.source.fill_down.by == done.source.columns["order_id"] == "Name"
    assert set(done.source.fill_down.columns) == {"Email", "Created at", "Source"}
    assert done.source.rules.lowercase == ("customer_id",)
    assert done.report and (done.report.rows, done.report.rejected) == (len(rows), 0)


def test_numbers_of_rows_are_no_ids_and_shares_no_discounts(landing):
    rows = [
        [n + 1, f"2024-03-25 10:{n % 60:02d}:00", f"c{n % 9}", f"p{n % 11}", 7.5 + n % 11, (0, 0.2, 0.1)[n % 3]]
        for n in range(90)
    ]
    path = files.write(
        landing, "export.csv", files.table(rows, ["id", "time", "customer", "product", "price", "discount"])
    )
    draft = draft_source("shop", path, load_shop()).text
    assert not {"event_id", "line_discount", "discount"} & set(yaml.safe_load(draft)["columns"])
    assert "discount looks like a share of the price" in draft
