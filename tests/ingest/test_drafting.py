"""A stranger's files: the draft of a source names the right columns, loads with no edit, and is right about every row."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml

from customer_behavior.cli import main
from customer_behavior.ingest.batches import ingest
from customer_behavior.ingest.drafting.draft import draft_source
from customer_behavior.ingest.drafting.onboarding import onboard
from customer_behavior.ingest.drafting.shop_file import changed_shop
from customer_behavior.ingest.source import Source
from customer_behavior.paths import INCLUDE_DIR
from customer_behavior.settings import load_shop
from support import stranger_files as files
from support.small_shop import configure

DAY = date(2024, 3, 25)
SHAPES = {
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


def drafted(path: Path, name: str = "shop") -> dict:
    return yaml.safe_load(draft_source(name, path, load_shop()).text)


def run(*arguments: str) -> int:
    try:
        main(["check-source", *arguments])
    except SystemExit as stop:
        return 0 if stop.code in (None, 0) else 1
    return 0


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
    assert run("--source", "newshop", "--file", str(write(landing, shape)), "--accept") == 0
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
    assert run("--source", "newshop", "--file", str(path), "--accept") == 0
    said = capsys.readouterr().out
    assert "a history: each row judged as of the batch of its own day" in said and " 0 rejected" in said
    assert 'run load_history with\n  {"source": "newshop", "file": "history/export.csv"}' in said


# --- times -----------------------------------------------------------------------------------------------------------


def time_file(folder: Path, values: list[str], name: str = "export.csv", column: str = "wann") -> Path:
    rows = [[value, f"c{n % 7}", f"p{n % 5}", "2.50"] for n, value in enumerate(values)]
    return files.write(folder, name, files.table(rows, [column, "customer", "product", "price"], ";"))


@pytest.mark.parametrize(
    ("value", "format_"),
    [
        ("{:%d.%m.%Y %H:%M:%S}", "%d.%m.%Y %H:%M:%S"),
        ("{:%m/%d/%Y %I:%M %p}", "%m/%d/%Y %I:%M %p"),
        ("{:%d-%b-%Y %H:%M}", "%d-%b-%Y %H:%M"),
        ("{:%Y/%m/%d %H:%M}", "%Y/%m/%d %H:%M"),
        ("{:%Y%m%d%H%M%S}", "%Y%m%d%H%M%S"),
        ("{:%b %d, %Y %H:%M}", "%b %d, %Y %H:%M"),
        ("{:%d/%m/%Y %H:%M} +0100", "%d/%m/%Y %H:%M %z"),
        ("{:%d/%m/%y, %H:%M}", "%d/%m/%y, %H:%M"),
    ],
)
def test_times_are_found_by_their_values_whatever_their_name(landing, value, format_):
    path = time_file(landing, [value.format(at) for at, *_ in files.orders(3)], column="x1")
    done = onboard("shop", path, load_shop())
    assert done.source and done.source.columns["event_time"] == "x1"
    assert done.source.time_format == (format_,)
    assert done.report and done.report.rejected == 0 and set(done.report.days) == {DAY}


def test_day_and_month_are_told_apart_by_what_there_is(landing):
    # Both readings fit: the name of the file, the span of the rows and their order decide, else it is a TODO.
    early = [f"0{1 + n // 10}/03/2024 10:0{n % 10}" for n in range(30)]  # 1 to 3 March, or 3 January to 3 March
    assert drafted(time_file(landing, early))["time_format"] == "%d/%m/%Y %H:%M"
    one = ["05/03/2024 10:00"] * 30
    assert drafted(time_file(landing, one, "2024-03-05.csv"))["time_format"] == "%d/%m/%Y %H:%M"
    assert drafted(time_file(landing, one, "2024-05-03.csv"))["time_format"] == "%m/%d/%Y %H:%M"
    undecided = draft_source("shop", time_file(landing, one), load_shop()).text
    assert "TODO 05/03/2024 10:00 may be day first as well" in undecided


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["05.03. 14:10", "24.12. 09:00"], "dates without a year"),
        (["14:10", "09:00"], "no column says a day"),
        (["45356.43", "45357.5"], "counts days as Excel does"),
    ],
)
def test_what_cannot_be_placed_is_said_with_what_to_do(landing, capsys, values, words):
    path = time_file(landing, values * 15, column="datum")
    assert run("--source", "newshop", "--file", str(path), "--accept") == 1
    said = capsys.readouterr().out
    assert words in said and "no column of times was found" in said
    assert not (landing.parent / "sources" / "newshop.yaml").exists()


def test_dates_without_a_time_load_and_it_is_said(landing):
    draft = draft_source("shop", time_file(landing, ["2024-03-25"] * 30), load_shop())
    assert "days without a time of day" in draft.text and not draft.lacks


# --- other traits ----------------------------------------------------------------------------------------------------


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


# --- accepting -------------------------------------------------------------------------------------------------------


def test_without_accept_nothing_is_written(landing, capsys):
    config = (landing.parent / "config" / "shop.yaml").read_text()
    assert run("--source", "newshop", "--file", str(write(landing, "till"))) == 1
    said = capsys.readouterr().out
    assert "line_total: Amount" in said and "this file would be loaded" in said
    assert not (landing.parent / "sources" / "newshop.yaml").exists()
    assert (landing.parent / "config" / "shop.yaml").read_text() == config


def test_an_existing_source_is_never_overwritten(landing, capsys):
    path = write(landing, "till")
    assert run("--source", "newshop", "--file", str(path), "--accept") == 0
    target = landing.parent / "sources" / "newshop.yaml"
    target.write_text(target.read_text().replace("Events of", "Mine of"))
    run("--source", "newshop", "--file", str(path), "--accept")
    assert "nothing was written: include/sources/newshop.yaml is there already" in capsys.readouterr().out
    assert "Mine of" in target.read_text()


def test_the_shops_comments_stay(landing):
    shipped = (INCLUDE_DIR / "config" / "shop.yaml").read_text()
    changes = {"currency": "EUR", "timezone": "Europe/Paris", "sources": ["webshop"]}
    text = changed_shop(shipped, changes)
    assert yaml.safe_load(text) == yaml.safe_load(shipped) | changes
    assert re.findall(r"#.*", text) == re.findall(r"#.*", shipped)
    listed = "sources:   # ours\n  - one\n  - two\ncurrency: USD\n"
    assert changed_shop(listed, {"sources": ["new"]}) == "sources: [new]   # ours\ncurrency: USD\n"


# --- the documentation -----------------------------------------------------------------------------------------------


def test_the_documentation_followed_literally(tmp_path):
    """Each command of docs/sources.md under "Bring your own file", as it stands there, save for the place of the interpreter."""
    page = (INCLUDE_DIR.parent / "docs" / "sources.md").read_text()
    section = page.split("## Bring your own file", 1)[1].split("\n## ", 1)[0]
    csv, *commands = re.findall(r"```\w*\n(.*?)```", section, re.DOTALL)
    environment = {**os.environ, **configure(tmp_path), "PYTHONPATH": str(INCLUDE_DIR)}
    (tmp_path / "export_2024-03-25.csv").write_text(csv)
    makefile = (INCLUDE_DIR.parent / "Makefile").read_text()
    recipe = re.search(r"^check-source:.*\n\t@\$\(BIN\)/python (.*)$", makefile, re.MULTILINE)
    assert recipe and "$(if $(ACCEPT),--accept)" in recipe[1]
    said = []
    for command in commands:
        words = shlex.split(command)
        assert words[:2] == ["make", "check-source"]
        given = dict(word.split("=", 1) for word in words[2:])
        asked = ["-m", "customer_behavior", "check-source", "--source", given["SOURCE"], "--file", given["FILE"]]
        asked += ["--accept"] if given.get("ACCEPT") else []
        done = subprocess.run([sys.executable, *asked], cwd=tmp_path, env=environment, capture_output=True, text=True)
        said.append((done.returncode, done.stdout))
    assert [code for code, _ in said] == [1, 0, 0], said
    assert "negative_quantity: return" in said[0][1]
    assert f"written: {tmp_path / 'sources' / 'webshop.yaml'}" in said[1][1]
    assert "0 rejected" in said[2][1] and "this file would be loaded" in said[2][1]
