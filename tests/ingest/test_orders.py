"""One order is one order, in its newest state, however it was delivered: through landed files, asked in SQL as of each date."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
import yaml

from customer_behavior.asof import ONE_DAY
from customer_behavior.ingest.charges import charge_sql
from customer_behavior.paths import INCLUDE_DIR
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.warehouse import Warehouse

ONE, TWO, THREE = date(2024, 3, 5), date(2024, 3, 6), date(2024, 3, 7)
KNOWN = (
    "SELECT customer_id, sum(orders) AS orders, sum(revenue) AS revenue, sum(gross_revenue) AS gross, sum(charges) AS charges"
    " FROM features.customer_day WHERE event_day < :as_of AND batch_date < :as_of"
    " AND (superseded_on IS NULL OR superseded_on >= :as_of) GROUP BY 1"
)
LEDGER = "SELECT batch_date, rows_read, rows_accepted, rows_rejected, rows_duplicate FROM raw.ingest_batches ORDER BY 1"
TILL: dict[str, Any] = {
    "description": "Order lines",
    "path": "shop/{date}*.csv",
    "timezone": "UTC",
    "currency": "USD",
    "max_lateness_days": 3,
    "columns": {
        "event_time": "time",
        "event_type": "type",
        "customer_id": "who",
        "order_id": "order",
        "product_id": "item",
        "quantity": "units",
        "line_total": "total",
    },
    "rules": {"negative_quantity": "return", "zero_quantity": "other"},
    "reject_limit": 0.5,
}


class Shop:
    """A source, its landing folder, and what is known of its customers as of a date."""

    def __init__(self, warehouse: Warehouse, landing: Path, name: str) -> None:
        self.warehouse, self.landing, self.name = warehouse, landing, name
        (landing / name).mkdir(exist_ok=True)

    def land(self, day: date, text: str, ending: str = ".csv") -> None:
        (self.landing / self.name / f"{day}{ending}").write_text(text)

    def load(self, *days: date) -> None:
        for day in days:
            ingest(self.warehouse, self.name, day, day, landing=self.landing)

    def known(self, as_of: date) -> dict[str, tuple[float, ...]]:
        """Return customer to (orders, revenue, gross revenue, charges)."""
        with self.warehouse.begin() as connection:
            rows = connection.execute(sa.text(KNOWN), {"as_of": as_of})
            return {row[0]: tuple(round(float(value), 2) for value in row[1:]) for row in rows}

    def query(self, statement: str) -> list[tuple]:
        with self.warehouse.begin() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement))]


@pytest.fixture
def shop(warehouse: Warehouse, landing: Path) -> Callable[..., Shop]:
    def make(source: str | dict) -> Shop:
        sources = landing.parent / "sources"
        if isinstance(source, str):
            shutil.copy(INCLUDE_DIR / "sources" / f"{source}.yaml", sources)
            return Shop(warehouse, landing, source)
        (sources / "shop.yaml").write_text(yaml.safe_dump(source))
        return Shop(warehouse, landing, "shop")

    return make


def rows(*lines: str) -> str:
    return "\n".join(("time,type,who,order,item,units,total", *lines, ""))


@pytest.mark.parametrize("order", list(itertools.permutations((ONE, TWO, THREE))))
def test_an_order_in_several_batches_and_days_counts_once(shop, order):
    till = shop(TILL)
    till.land(ONE, rows(f"{ONE} 10:00:00,purchase,ann,o1,tea,1,5", f"{ONE} 12:00:00,purchase,bob,o2,tea,1,5"))
    till.land(TWO, rows(f"{ONE} 10:05:00,purchase,ann,o1,cup,1,9", f"{TWO} 09:00:00,purchase,ann,o1,pot,1,30"))
    till.land(THREE, rows(f"{THREE} 09:00:00,purchase,bob,o3,pot,1,30"))
    till.load(*order)
    assert till.known(TWO) == {"ann": (1, 5, 5, 0), "bob": (1, 5, 5, 0)}
    assert till.known(THREE) == {"ann": (1, 44, 44, 0), "bob": (1, 5, 5, 0)}
    assert till.known(THREE + ONE_DAY) == {"ann": (1, 44, 44, 0), "bob": (2, 35, 35, 0)}
    versions = (
        "SELECT customer_id, event_day, batch_date, superseded_on, orders FROM features.customer_day ORDER BY 1, 2, 3"
    )
    assert till.query(versions) == [
        ("ann", ONE, ONE, TWO, 1),
        ("ann", ONE, TWO, None, 1),
        ("ann", TWO, TWO, None, 0),
        ("bob", ONE, ONE, None, 1),
        ("bob", THREE, THREE, None, 1),
    ]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_late_first_line_moves_its_order_to_the_earlier_day(shop, at_once):
    till = shop(TILL)
    till.land(TWO, rows(f"{TWO} 10:00:00,purchase,ann,o1,tea,1,5"))
    till.land(THREE, rows(f"{ONE} 23:00:00,purchase,ann,o1,cup,1,9"))
    if at_once:
        ingest(till.warehouse, till.name, TWO, THREE, landing=till.landing)
    else:
        till.load(TWO, THREE)
    days = "SELECT event_day, batch_date, superseded_on, orders, revenue FROM features.customer_day ORDER BY 1, 2"
    assert till.query(days) == [(ONE, THREE, None, 1, 9), (TWO, TWO, THREE, 1, 5), (TWO, THREE, None, 0, 5)]
    till.land(THREE, rows())
    till.load(THREE)  # the batch comes again without the line
    assert till.query(days) == [(TWO, TWO, None, 1, 5)]


def test_receipts_numbered_anew_each_day_are_orders_of_their_own(shop):
    till = shop({**TILL, "max_lateness_days": 1})
    till.land(ONE, rows(f"{ONE} 10:00:00,purchase,ann,17,tea,1,5", f"{ONE} 10:00:00,purchase,bob,18,tea,1,5"))
    till.land(TWO, rows(f"{TWO} 10:00:00,purchase,cem,17,tea,1,5"))
    till.land(THREE, rows(f"{THREE} 10:00:00,purchase,ann,17,tea,1,5"))
    till.load(ONE, TWO, THREE)
    assert till.known(THREE + ONE_DAY) == {"ann": (2, 10, 10, 0), "bob": (1, 5, 5, 0), "cem": (1, 5, 5, 0)}


def ga4(day: date, seconds: int, session: str, customer: str | None = "101.171", transaction: str = "T1") -> str:
    stamp = int((date(2024, 3, 5) - date(1970, 1, 1)).total_seconds()) + 10 * 3600 + seconds
    return json.dumps(
        {
            "event_timestamp": str(stamp * 1_000_000),
            "event_name": "purchase",
            "event_params": [{"key": "ga_session_id", "value": {"int_value": session}}],
            "user_pseudo_id": customer,
            "ecommerce": {"transaction_id": transaction},
            "items": [
                {"item_id": "A1", "price": 10.0, "quantity": "1"},
                {"item_id": "B2", "price": 5.0, "quantity": "2"},
            ],
        }
    )


@pytest.mark.parametrize("order", [(ONE, TWO), (TWO, ONE)])
def test_a_page_loaded_again_sends_no_second_order(shop, order):
    site = shop("ga4")
    first = [ga4(ONE, 0, "1"), ga4(ONE, 4, "1"), ga4(ONE, 9_000, "2"), ga4(ONE, 10, "9", "102.1", "T2")]
    site.land(ONE, "\n".join(first), ".jsonl")
    site.land(TWO, ga4(TWO, 86_400, "3"), ".jsonl")
    site.load(*order)
    assert site.known(THREE) == {"101.171": (1, 20, 20, 0), "102.1": (1, 20, 20, 0)}
    assert site.query("SELECT DISTINCT CAST(event_time AS DATE) FROM raw.events") == [(ONE,)]
    assert site.query(LEDGER) == [(ONE, 8, 4, 0, 4), (TWO, 2, 0, 0, 2)]


def test_a_till_that_scans_a_second_bottle_sells_two(shop):
    till = shop(TILL)
    till.land(ONE, rows(f"{ONE} 10:00:00,purchase,ann,o1,tea,1,5", f"{ONE} 10:00:07,purchase,ann,o1,tea,1,5"))
    till.load(ONE)
    assert till.known(TWO) == {"ann": (1, 10, 10, 0)}


def test_one_event_in_two_files_of_a_batch_is_one(shop):
    till = shop(TILL)
    twice = f"{ONE} 10:00:00,purchase,ann,o1,tea,1,5"
    till.land(ONE, rows(twice, twice, f"{ONE} 11:00:00,purchase,bob,o2,cup,1,9"))
    till.land(ONE, rows(twice, f"{ONE} 12:00:00,purchase,cem,o3,cup,1,9"), "-b.csv")
    till.load(ONE)
    assert till.known(TWO) == {"ann": (1, 10, 10, 0), "bob": (1, 9, 9, 0), "cem": (1, 9, 9, 0)}
    assert till.query(LEDGER) == [(ONE, 5, 4, 0, 1)]


SHOPIFY = (
    "Name,Email,Financial Status,Currency,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Cancelled at,"
    "Payment Method,Refunded Amount,Vendor,Id,Tags,Source,Lineitem discount,Shipping Country"
)


def order(name: str, status: str, *lines: tuple[str, float], **said: str) -> list[str]:
    """Return the lines of an order as Shopify exports them: what belongs to the order on the first alone."""
    made = []
    for number, (item, price) in enumerate(lines):
        first = number == 0
        given = {"Name": f"#{name}", "Lineitem quantity": "1", "Lineitem name": item, "Lineitem price": f"{price}"}
        given |= {"Lineitem sku": said.get("sku", item), "Email": f"{name}@x.example", "Lineitem discount": "0.00"}
        if first:
            given |= {"Financial Status": status, "Currency": "USD", "Created at": f"{ONE} 10:00:00 +0000", "Id": name}
            given |= {key.replace("_", " "): value for key, value in said.items() if key != "sku"}
        made.append(",".join(f'"{given[column]}"' if column in given else "" for column in SHOPIFY.split(",")))
    return made


TWO_LINES = (("Cup", 9.0), ("Pot", 30.0))


@pytest.mark.parametrize("batches", [(ONE, TWO, THREE), (THREE, TWO, ONE), (TWO, THREE, ONE, TWO)])
def test_the_newest_state_of_an_order_counts(shop, batches):
    exports = shop("shopify_orders")
    states = {
        ONE: {"a": "paid", "b": "refunded", "c": "partially_refunded", "d": "paid", "e": "paid"},
        TWO: {"a": "voided", "b": "refunded", "c": "refunded", "d": "paid", "e": "partially_refunded"},
        THREE: {"a": "paid", "b": "refunded", "c": "refunded", "d": "paid", "e": "partially_refunded"},
    }
    for day, said in states.items():
        lines = [SHOPIFY]
        for name, status in said.items():
            refund = "30.00" if status == "partially_refunded" else "0.00"
            cancelled = {"Cancelled_at": f"{TWO} 09:00:00"} if name == "d" and day > ONE else {}
            lines += order(name, status, *TWO_LINES, Refunded_Amount=refund, **cancelled)
        exports.land(day, "\n".join([*lines, ""]))
    exports.load(*batches)
    whole, partly, none = (1, 39, 39, 0), (1, 9, 39, 0), (0, 0, 0, 0)
    paid_back = (0, 0, 39, 0)
    customers = [f"{name}@x.example" for name in "abcde"]
    assert exports.known(TWO) == dict(zip(customers, (whole, paid_back, partly, whole, whole), strict=True))
    assert exports.known(THREE) == dict(zip(customers, (none, paid_back, paid_back, none, partly), strict=True))
    assert exports.known(THREE + ONE_DAY) == dict(
        zip(customers, (whole, paid_back, paid_back, none, partly), strict=True)
    )
    assert exports.query(LEDGER) == [(ONE, 10, 10, 0, 0), (TWO, 10, 8, 0, 2), (THREE, 10, 2, 0, 8)]


@pytest.mark.parametrize("batches", [(ONE, TWO), (TWO, ONE)])
def test_an_order_that_turns_out_to_be_another_customers_is_no_longer_the_first_one_s(shop, batches):
    exports = shop("shopify_orders")
    for day, whose in ((ONE, "ann@x.example"), (TWO, "bob@x.example")):
        exports.land(day, "\n".join([SHOPIFY, *order("a", "paid", TWO_LINES[0], Email=whose), ""]))
    exports.load(*batches)
    assert exports.known(TWO) == {"ann@x.example": (1, 9, 9, 0)}
    assert exports.known(THREE) == {"bob@x.example": (1, 9, 9, 0)}


def test_a_later_file_of_a_batch_replaces_the_orders_of_an_earlier_one(shop):
    exports = shop("shopify_orders")
    exports.land(ONE, "\n".join([SHOPIFY, *order("a", "paid", *TWO_LINES), *order("b", "paid", *TWO_LINES), ""]))
    exports.land(ONE, "\n".join([SHOPIFY, *order("a", "paid", TWO_LINES[0]), ""]), "-later.csv")
    exports.load(ONE)
    assert exports.known(TWO) == {"a@x.example": (1, 9, 9, 0), "b@x.example": (1, 39, 39, 0)}
    assert exports.query(LEDGER) == [(ONE, 5, 3, 0, 2)]
    exports.load(ONE)
    assert exports.known(TWO) == {"a@x.example": (1, 9, 9, 0), "b@x.example": (1, 39, 39, 0)}


def test_gift_cards_tips_and_test_orders_are_no_purchases_of_products(shop):
    exports = shop("shopify_orders")
    lines = [
        *order("a", "paid", ("Gift card 50", 50.0), sku="GC50", Payment_Method="gift_card"),
        *order("b", "paid", ("Pot", 30.0), Payment_Method="bogus"),
        *order("c", "paid", ("Pot", 30.0), Tags="vip, TEST"),
        *order("d", "paid", ("Pot", 30.0), ("Tip", 3.0), Payment_Method="gift_card"),
        *order("e", "voided", ("Pot", 30.0), ("Tip", 3.0)),
        *order("f", "paid", ("Tip-over lamp", 30.0)),
    ]
    exports.land(ONE, "\n".join([SHOPIFY, *lines, ""]))
    exports.load(ONE)
    assert exports.known(TWO) == {
        "a@x.example": (0, 0, 0, 50),
        "b@x.example": (0, 0, 0, 0),
        "c@x.example": (0, 0, 0, 0),
        "d@x.example": (1, 30, 30, 3),
        "e@x.example": (0, 0, 0, 0),
        "f@x.example": (1, 30, 30, 0),
    }


def test_lines_of_a_wholesaler_that_are_no_products(shop):
    till = shop({**TILL, "charges": {"fee": ["M", "AMZ*"], "product": ["Voucher"]}})
    till.land(
        ONE,
        rows(
            f"{ONE} 10:00:00,purchase,ann,o1,POST,1,18",
            f"{ONE} 10:00:00,purchase,ann,o1,DOTCOM POSTAGE,1,2",
            f"{ONE} 10:00:00,purchase,ann,o1,m,1,5",
            f"{ONE} 10:00:00,purchase,ann,o1,AMZ-7,-1,-4",
            f"{ONE} 10:00:00,purchase,ann,o1,22423,1,12",
            f"{ONE} 10:00:00,purchase,bob,o2,POST,1,18",
            f"{ONE} 10:00:00,purchase,cem,o3,voucher,1,10",
        ),
    )
    till.load(ONE)
    assert till.known(TWO) == {"ann": (1, 12, 12, 21), "bob": (0, 0, 0, 18), "cem": (1, 10, 10, 0)}
    bought = "SELECT product_id FROM raw.events WHERE event_type = 'purchase' ORDER BY 1"
    assert till.query(bought) == [("22423",), ("voucher",)]


def test_money_that_goes_back_is_no_purchase_whatever_carries_the_sign(shop):
    till = shop(TILL)
    till.land(
        ONE,
        rows(
            f"{ONE} 10:00:00,purchase,ann,o1,tea,1,5",
            f"{ONE} 10:00:00,purchase,bob,o2,tea,1,-5",
            f"{ONE} 10:00:00,purchase,cem,o3,tea,-1,5",
            f"{ONE} 10:00:00,purchase,dan,o4,tea,-1,-5",
            f"{ONE} 10:00:00,return,eve,o5,tea,1,-5",
        ),
    )
    till.load(ONE)
    taken_back = (
        "SELECT customer_id FROM features.customer_day WHERE return_lines = 1 AND returned_value = 5 ORDER BY 1"
    )
    assert till.query(taken_back) == [("bob",), ("cem",), ("dan",), ("eve",)]
    assert till.known(TWO)["ann"] == (1, 5, 5, 0)
    assert {name: of[:2] for name, of in till.known(TWO).items() if name != "ann"} == dict.fromkeys(
        ("bob", "cem", "dan", "eve"), (0, 0)
    )


def test_a_negative_total_is_refused_where_returns_are_not_told_by_it(shop):
    till = shop({**TILL, "rules": {}})
    till.land(ONE, rows(f"{ONE} 10:00:00,purchase,ann,o1,tea,1,5", f"{ONE} 10:00:00,purchase,bob,o2,tea,1,-5"))
    till.load(ONE)
    assert till.query("SELECT line, reason FROM raw.rejected_events") == [(3, "price_negative")]


def test_a_negative_discount_is_an_amount_only_where_the_source_says_so(shop):
    columns = {**TILL["columns"], "line_discount": "off"}
    text = f"time,type,who,order,item,units,total,off\n{ONE} 10:00:00,purchase,ann,o1,tea,2,10,-3\n{ONE} 11:00,purchase,bob,o2,tea,1,5,1\n"
    strict = shop({**TILL, "columns": columns})
    strict.land(ONE, text)
    strict.load(ONE)
    assert strict.query("SELECT line, reason FROM raw.rejected_events") == [(2, "discount_negative")]
    lenient = shop({**TILL, "columns": columns, "rules": {"negative_discount": "amount"}})
    lenient.load(ONE)
    assert lenient.query("SELECT customer_id, discount FROM raw.events ORDER BY 1") == [("ann", 1.5), ("bob", 1)]


def test_what_was_paid_back_of_a_line_is_taken_off(shop):
    till = shop({**TILL, "columns": {**TILL["columns"], "line_refund": "back"}})
    text = "time,type,who,order,item,units,total,back\n" + "".join(
        f"{ONE} 10:00:00,purchase,{who},{who},tea,2,10,{back}\n"
        for who, back in (("ann", ""), ("bob", 4), ("cem", -4), ("dan", 10), ("eve", 99))
    )
    till.land(ONE, text)
    till.load(ONE)
    assert till.known(TWO) == {
        "ann": (1, 10, 10, 0),
        "bob": (1, 6, 10, 0),
        "cem": (1, 6, 10, 0),
        "dan": (0, 0, 10, 0),
        "eve": (0, 0, 10, 0),
    }


def test_a_day_made_anew_for_one_order_does_not_begin_another(shop):
    till = shop(TILL)
    till.land(ONE, rows(f"{ONE} 10:00:00,purchase,ann,o1,tea,1,5"))
    till.land(TWO, rows(f"{TWO} 10:00:00,purchase,ann,o1,cup,1,9", f"{TWO} 11:00:00,purchase,ann,o2,pot,1,30"))
    till.land(THREE, rows(f"{TWO} 11:00:00,purchase,ann,o2,jug,1,20"))
    till.load(ONE, TWO, THREE, THREE)
    orders = "SELECT event_day, batch_date, orders FROM features.customer_day ORDER BY 1, 2"
    assert till.query(orders) == [(ONE, ONE, 1), (TWO, TWO, 1), (TWO, THREE, 1)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Standard Shipping", "postage"), ("Versandkosten DE", "postage"), ("Bezorgkosten", "postage"), ("Wysyłka", "postage"),
        ("Frais d’expédition", "postage"), ("Tarjeta de regalo", "gift_card"), ("Buono regalo 25 €", "gift_card"),
        ("$50 Gift Card", "gift_card"), ("Wertgutschein", "gift_card"), ("Drinkgeld", "tip"), ("Tip (10%)", "tip"),
        ("Port", None), ("Shipping box", None), ("Gift card holder", None), ("Tip pen", None),
    ],
)  # fmt: skip
def test_money_that_is_no_product_is_known_in_several_languages(name, kind):
    text = "'" + name.replace("'", "''") + "'"
    assert duckdb.execute(f"SELECT {charge_sql([text], {})}").fetchall() == [(kind,)]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_receipt_number_used_again_later_loses_no_purchase(shop, at_once):
    columns = {**TILL["columns"], "session_id": "visit"}
    site = shop({**TILL, "columns": columns, "on_missing": "empty", "rules": {}})
    head = "time,type,who,order,item,units,total,visit\n"
    late = date(2024, 3, 20)
    for day in (ONE, TWO, late):
        site.land(day, head + f"{day} 10:00:00,purchase,ann,1,tea,1,5,v{day}\n")
    if at_once:
        ingest(site.warehouse, site.name, ONE, late, landing=site.landing)
    else:
        site.load(ONE, late, TWO, ONE)
    assert site.known(late + ONE_DAY) == {"ann": (2, 10, 10, 0)}
