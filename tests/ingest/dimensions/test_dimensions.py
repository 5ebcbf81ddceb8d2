"""Dimensions: replaced by delivery, every row accounted for, and a date sees what was known at it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
import yaml

from customer_behavior.errors import BadInputError, ConfigurationError, NotReadyError
from customer_behavior.ingest.dimensions.source import load_dimension
from customer_behavior.paths import INCLUDE_DIR, dimensions_dir
from customer_behavior.simulator import changed, load_world, simulate
from customer_behavior.stages import ingest_events

ONE, TWO, THREE = (date(2024, 3, n) for n in (5, 6, 7))
FILE = {
    "description": "Tests' own",
    "kind": "products",
    "path": "products/{date}.csv",
    "columns": {"product_id": "sku", "price": "price", "stock": "stock"},
    "reject_limit": 0.5,
}
LEDGER = "SELECT batch_date, status, rows_read, rows_accepted, rows_rejected, rows_duplicate FROM raw.ingest_batches ORDER BY 1"


@pytest.fixture
def shop(warehouse, tmp_path, monkeypatch):
    """Deliver a file of products for a date; query the warehouse."""
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_DIMENSIONS", str(tmp_path / "dimensions"))
    (tmp_path / "dimensions").mkdir()

    class Shop:
        def configure(self, **changes) -> None:
            (tmp_path / "dimensions" / "mine.yaml").write_text(yaml.safe_dump({**FILE, **changes}))

        def land(self, day: date, *lines: str, header: str = "sku,price,stock") -> None:
            path = tmp_path / "landing" / "products" / f"{day}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join([header, *lines]) + "\n")

        def load(self, day: date) -> dict:
            return ingest_events.load_delivery(warehouse, "mine", day, landing=tmp_path / "landing", run_id="test")

        def query(self, statement: str, **parameters) -> list[tuple]:
            with warehouse.begin() as connection:
                return [tuple(row) for row in connection.execute(sa.text(statement), parameters)]

    shop = Shop()
    shop.configure()
    return shop


def known_at(shop, day: date) -> list[tuple]:
    return shop.query(
        "SELECT product_id, price FROM raw.products WHERE valid_from < :day AND (valid_to IS NULL OR valid_to >= :day) ORDER BY 1",
        day=day,
    )


@pytest.mark.parametrize("name", [path.stem for path in sorted(dimensions_dir().glob("*.yaml"))])
def test_every_shipped_dimension_is_understood(name):
    assert load_dimension(name).name == name


@pytest.mark.parametrize("order", [(ONE, TWO, THREE), (THREE, ONE, TWO)])
def test_a_date_sees_what_was_known_at_it_whatever_the_order_of_loading(shop, order):
    shop.land(ONE, "a,1,5", "b,2,5")
    shop.land(TWO, "a,1.50,5")
    shop.land(THREE, "a,1.75,4", "c,9,1")
    for day in order:
        shop.load(day)
    assert known_at(shop, ONE) == []
    assert known_at(shop, TWO) == [("a", 1), ("b", 2)]
    assert known_at(shop, THREE) == [("a", 1.5), ("b", 2)]
    assert known_at(shop, date(2024, 12, 31)) == [("a", 1.75), ("b", 2), ("c", 9)]


def test_editing_it_later_changes_nothing_that_was_known_before(shop):
    shop.land(ONE, "a,1,5")
    shop.load(ONE)
    before = known_at(shop, TWO)
    shop.land(TWO, "a,99,5")
    shop.load(TWO)
    assert known_at(shop, TWO) == before == [("a", 1)]


def test_a_delivery_loaded_again_replaces_itself_alone(shop):
    shop.land(ONE, "a,1,5", "b,2,5")
    shop.land(TWO, "b,3,5")
    shop.load(ONE)
    shop.load(TWO)
    shop.land(ONE, "a,7,5")
    shop.load(ONE)
    assert shop.query("SELECT product_id, valid_from, price FROM raw.product_versions ORDER BY 1") == [
        ("a", ONE, 7),
        ("b", TWO, 3),
    ]
    writes = shop.query("SELECT rows_deleted, rows_written FROM monitoring.write_audit ORDER BY audit_id")
    assert writes == [(0, 2), (0, 1), (2, 1)]


def test_every_row_is_accepted_refused_or_a_duplicate(shop):
    shop.land(ONE, "a,1,5", "a,2,5", "b,cheap,5", ",3,5", "c,4", "d,,")
    assert shop.load(ONE) == {
        "source": "mine", "rows_read": 6, "rows_accepted": 2, "rows_rejected": 3, "rows_duplicate": 1
    }  # fmt: skip
    assert shop.query(LEDGER) == [(ONE, "loaded", 6, 2, 3, 1)]
    assert shop.query("SELECT product_id, price, stock FROM raw.product_versions ORDER BY 1") == [
        ("a", 2, 5),
        ("d", None, None),
    ]
    assert shop.query("SELECT line, reason, raw_text FROM raw.rejected_events ORDER BY 1") == [
        (4, "value_unreadable", "b,cheap,5"),
        (5, "key_missing", ",3,5"),
        (6, "column_count", "c,4"),
    ]


def test_over_the_reject_limit_nothing_changes(shop):
    shop.land(ONE, "a,1,5")
    shop.load(ONE)
    shop.land(ONE, "a,1,x", "b,1,x", "c,1,1")
    with pytest.raises(
        BadInputError, match=r"2 of 3 rows refused.*First: line 2 of products/2024-03-05\.csv: stock is x"
    ):
        shop.load(ONE)
    assert shop.query("SELECT product_id, stock FROM raw.product_versions") == [("a", 5)]


def test_a_missing_file_is_nothing_new_or_an_error_as_the_file_says(shop):
    assert shop.load(ONE)["rows_read"] == 0
    assert shop.query(LEDGER) == [(ONE, "empty", 0, 0, 0, 0)]
    shop.configure(on_missing="fail")
    with pytest.raises(NotReadyError, match=r"mine 2024-03-06: no file at .*products/2024-03-06\.csv"):
        shop.load(TWO)


def test_copies_of_a_delivery_are_passed_over_and_an_upload_is_awaited(shop, tmp_path):
    shop.configure(path="products/{date}*.csv*")
    shop.land(ONE, "a,1,5", "b,2,5")
    path = tmp_path / "landing" / "products" / f"{ONE}.csv"
    path.rename(path.with_suffix(".csv.part"))
    with pytest.raises(NotReadyError, match=r"mine 2024-03-05: not landed yet: products/2024-03-05\.csv\.part"):
        shop.load(ONE)
    for name in (f"{ONE}.csv", f"{ONE} (1).csv", f"{ONE}.csv.bak"):
        (path.parent / name).write_bytes(path.with_suffix(".csv.part").read_bytes())
    assert shop.load(ONE)["rows_read"] == 2
    [(passed,)] = shop.query("SELECT files_passed_over FROM raw.ingest_batches")
    assert [one["file"].removeprefix(f"products/{ONE}") for one in passed] == [".csv.bak", ".csv.part", " (1).csv"]


def test_a_missing_column_is_named(shop):
    shop.land(ONE, "a,1", header="sku,price")
    with pytest.raises(
        BadInputError, match=r"'stock', mapped to stock in include/dimensions/mine\.yaml, is not in the file"
    ):
        shop.load(ONE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": {"product_id": "sku", "colour": "c"}}, "'colour' is no column of products"),
        ({"columns": {"price": "price"}}, "columns.product_id is missing"),
        ({"path": "products.csv"}, r"must contain \{date\}"),
        ({"kind": "shops"}, "kind"),
    ],
)
def test_a_wrong_key_is_named_with_its_file(shop, change, message):
    shop.configure(**change)
    with pytest.raises(ConfigurationError, match=rf"mine\.yaml: .*{message}"):
        load_dimension("mine")


def test_contacts_and_customers_fill_their_tables(shop):
    shop.configure(
        kind="customers", path="products/{date}.csv", columns={"customer_id": "id", "consent": "ok", "country": "land"}
    )
    shop.land(ONE, "c1,true,US", "c2,false,", "c3,,DE", header="id,ok,land")
    shop.load(ONE)
    rows = shop.query("SELECT customer_id, consent, country, valid_to FROM raw.customers ORDER BY 1")
    assert rows == [("c1", True, "US", None), ("c2", False, None, None), ("c3", None, "DE", None)]
    shop.configure(
        kind="contacts",
        timezone="America/New_York",
        columns={"customer_id": "id", "contacted_at": "at", "action": "what", "holdout": "arm"},
        values={"holdout": {"control": "true", "sent": "false"}},
    )
    shop.land(
        TWO, "c1,2024-03-05 09:00:00,remind,sent", "c2,2024-03-05T12:00:00Z,remind,control", header="id,at,what,arm"
    )
    shop.load(TWO)
    rows = shop.query(
        "SELECT customer_id, contacted_at, action, channel, holdout, batch_date FROM raw.contacts ORDER BY 1"
    )
    assert rows == [
        ("c1", datetime(2024, 3, 5, 14, tzinfo=UTC), "remind", None, False, TWO),
        ("c2", datetime(2024, 3, 5, 12, tzinfo=UTC), "remind", None, True, TWO),
    ]


def test_what_the_simulator_lands_is_taken_in_by_the_shipped_dimensions(warehouse, tmp_path):
    world = changed(load_world(INCLUDE_DIR / "worlds" / "threshold.yaml"), days=3, customers=200)
    simulate(world, tmp_path, compress=False)
    for kind, rows in (("products", 10), ("customers", 200), ("contacts", 1)):
        files = list((tmp_path / kind).glob("*.csv"))
        for path in files:
            summary = ingest_events.load_delivery(
                warehouse, f"clickstream_{kind}", date.fromisoformat(path.stem), landing=tmp_path
            )
            lines = len(path.read_text().splitlines()) - 1
            assert (summary["rows_read"], summary["rows_accepted"]) == (lines, lines)
        assert files
        table = {"products": "product_versions", "customers": "customer_versions", "contacts": "contacts"}[kind]
        with warehouse.begin() as connection:
            assert connection.execute(sa.text(f"SELECT count(*) FROM raw.{table}")).scalar_one() >= rows
