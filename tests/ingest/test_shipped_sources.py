"""Shipped sources read small files in the form in which their shops deliver them."""

from __future__ import annotations

import gzip
import shutil
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from customer_behavior.asof import ONE_DAY
from customer_behavior.paths import INCLUDE_DIR
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.warehouse import Warehouse

SAMPLES = Path(__file__).parent / "samples"
DAY = date(2024, 3, 5)


@pytest.fixture
def events(warehouse: Warehouse, landing: Path):
    """Load a sample as a shipped source's batch; return its events' columns."""

    def load(source: str, ending: str, columns: str, order: str = "event_time") -> list[tuple]:
        shutil.copy(INCLUDE_DIR / "sources" / f"{source}.yaml", landing.parent / "sources")
        (landing / source).mkdir()
        sample = (SAMPLES / f"{source}.{ending.removesuffix('.gz')}").read_bytes()
        landed = landing / source / f"{DAY}.{ending}"
        landed.write_bytes(gzip.compress(sample) if landed.suffix == ".gz" else sample)
        ingest(warehouse, source, DAY, DAY, landing=landing)
        with warehouse.begin() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM raw.rejected_events")).scalar() == 0
            return [
                tuple(row) for row in connection.execute(sa.text(f"SELECT {columns} FROM raw.events ORDER BY {order}"))
            ]

    return load


def name_rates(landing: Path, rate: str) -> None:
    path = landing.parent / "config" / "shop.yaml"
    path.write_text(path.read_text() + "\nexchange_rates: {path: rates.csv}\n")
    (landing / "rates.csv").write_text(f"day,currency,rate\n{DAY},{rate}\n")


def test_ga4(events):
    columns = (
        "event_type, customer_id, session_id, product_id, brand, order_id, quantity, price, country, device, channel"
    )
    assert events("ga4", "jsonl", columns, "event_time, product_id") == [
        ("other", "1234.5678", "1709650799", None, None, None, 1, None, "Germany", "mobile", "organic"),
        ("view", "1234.5678", "1709650799", "SKU1", "Acme", None, 1, 12.5, "Germany", "mobile", None),
        ("purchase", "1234.5678", "1709650799", "SKU1", "Acme", "T-1", 2, 12.5, None, None, None),
        ("purchase", "1234.5678", "1709650799", "SKU2", None, "T-1", 1, 6, None, None, None),
    ]


def test_ga4_purchases_are_loaded_again_and_delivered_twice(events, landing, warehouse):
    events("ga4", "jsonl", "1")
    (landing / "ga4" / "2024-03-06.jsonl").write_bytes((SAMPLES / "ga4.jsonl").read_bytes())
    kept = "SELECT batch_date, count(*), count(DISTINCT event_id) FROM raw.events GROUP BY 1"
    bought = (
        "SELECT purchase_lines, orders, units, revenue FROM features.customer_day"
        " WHERE customer_id = '1234.5678' AND purchase_lines > 0"
    )
    for first, last in ((DAY, DAY), (DAY + ONE_DAY, DAY + ONE_DAY), (DAY, DAY + ONE_DAY)):
        ingest(warehouse, "ga4", first, last, landing=landing)
        with warehouse.begin() as connection:
            assert connection.execute(sa.text(kept)).all() == [(DAY, 4, 4)]
            assert connection.execute(sa.text(bought)).all() == [(2, 1, 3, 31)]
            duplicates = "SELECT rows_read, rows_duplicate FROM raw.ingest_batches ORDER BY batch_date"
            assert connection.execute(sa.text(duplicates)).all() == [(4, 0), (4, 4)][: 1 + (last > DAY)]


def test_clickstream_in_a_shop_of_another_currency(events, landing):
    name_rates(landing, "EUR,1.5")
    columns = "event_type, customer_id, session_id, product_id, category, brand, price, attributes"
    assert events("clickstream", "csv", columns) == [
        ("view", "u1", "s1", "1004", "electronics.smartphone", "samsung", 600, None),
        ("cart", "u1", "s1", "5100", "2053013558920217191", None, 15, None),
        ("purchase", "u1", "s1", "5100", "2053013558920217191", None, 15, None),
    ]


def test_shopify_orders(events, landing):
    name_rates(landing, "EUR,1.5")
    columns = (
        "CAST(event_time AT TIME ZONE 'UTC' AS TEXT), event_type, customer_id, order_id, product_id, brand, quantity, price,"
        " discount, country, channel"
    )
    assert events("shopify_orders", "csv", columns + ", session_id = order_id", "1, product_id") == [
        ("2024-03-05 14:05:00", "other", "bo@shop.example", "4999", "SHIRT-M", "Acme", 1, 18, 0, "DE", "web", True),
        ("2024-03-05 14:05:00", "other", "bo@shop.example", "4999", "SOCKS", "Knit & Co", 2, 6, 0.75, "DE", "web", True),
        ("2024-03-05 14:10:00", "purchase", None, "5000", "SOCKS", "Knit & Co", 1, 6, 0, None, "pos", True),
        ("2024-03-05 14:30:12", "purchase", "ann@shop.example", "5001", "Gift wrap", None, 1, 1, 0, "US", "web", True),
        ("2024-03-05 14:30:12", "purchase", "ann@shop.example", "5001", "SHIRT-M", "Acme", 2, 12.5, 0.5, "US", "web", True),
        ("2024-03-05 14:30:12", "purchase", "ann@shop.example", "5001", "SOCKS", "Knit & Co", 1, 6, 0, "US", "web", True),
    ]  # fmt: skip


def test_shopify_orders_exported_again_are_duplicates(events, landing, warehouse):
    name_rates(landing, "EUR,1.5")
    events("shopify_orders", "csv", "1")
    again = (SAMPLES / "shopify_orders.csv").read_text().replace(",paid,", ",partially_refunded,")
    (landing / "shopify_orders" / "2024-03-06.csv").write_text(again)
    ingest(warehouse, "shopify_orders", DAY + ONE_DAY, DAY + ONE_DAY, landing=landing)
    with warehouse.begin() as connection:
        ledger = "SELECT rows_accepted, rows_duplicate FROM raw.ingest_batches ORDER BY batch_date"
        assert connection.execute(sa.text(ledger)).all() == [(6, 0), (0, 6)]


def test_complete_journey(events):
    columns = (
        "CAST(event_time AT TIME ZONE 'UTC' AS TEXT), event_type, customer_id, order_id, product_id, quantity, price,"
        " discount, category, brand, channel, attributes"
    )
    assert events("complete_journey", "csv.gz", columns) == [
        ("2024-03-05 15:30:00", "purchase", "900", "31198570044", "1095275", 2, 2.5, 0.5, "MILK", "National", "store",
         {"store_id": "330", "department": "GROCERY"}),
        ("2024-03-05 15:31:00", "other", "900", "31198570044", "9878513", 0, None, None, "COUPON", "National", "store",
         {"store_id": "330", "department": "MISCELLANEOUS"}),
    ]  # fmt: skip
