"""COPY from Arrow: each type that the tables use, read back from the server."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
import sqlalchemy as sa

from customer_behavior.warehouse import Warehouse, copy_arrow

TABLE = """
    CREATE TEMPORARY TABLE kinds (
        words text, moment timestamptz, day date, small smallint, whole integer, big bigint, number double precision,
        amount numeric, yes boolean, hours smallint[], labels text[], document jsonb, untouched integer DEFAULT 7
    )
"""
ROWS = [
    {
        "words": 'a "quote", a\ttab, a \\ and\na line; =1+1 \u00e9\U0001f600',
        "moment": datetime(2024, 3, 31, 1, 59, 59, 999999, tzinfo=UTC),
        "day": date(1900, 1, 1),
        "small": -32768,
        "whole": 2147483647,
        "big": -9223372036854775808,
        "number": 0.1,
        "amount": Decimal("123456789.0000000001"),
        "yes": False,
        "hours": [0, 23],
        "labels": ["", "{a,b}"],
        "document": '{"a": [1, null]}',
    },
    dict.fromkeys(
        ("words", "moment", "day", "small", "whole", "big", "number", "amount", "yes", "hours", "labels", "document")
    ),
    {
        "words": "",
        "moment": datetime(1969, 12, 31, tzinfo=UTC),
        "day": date(2999, 12, 31),
        "small": 0,
        "whole": -1,
        "big": 0,
        "number": -1e308,
        "amount": Decimal("0E-10"),
        "yes": True,
        "hours": [],
        "labels": [],
        "document": "3",
    },
]
READ = [row | {"untouched": 7} for row in ROWS]
READ[0]["document"], READ[2]["document"] = {"a": [1, None]}, 3


@pytest.fixture
def connection(postgres):
    postgres.create_database("copying")
    with Warehouse(postgres.url("copying")).engine.begin() as connection:
        connection.execute(sa.text(TABLE))
        yield connection
    postgres.drop_database("copying")


def read(connection):
    return [dict(row) for row in connection.execute(sa.text("SELECT * FROM kinds ORDER BY ctid")).mappings()]


def test_record_batches_arrive_value_for_value(connection):
    table = pa.Table.from_pylist(ROWS)
    assert copy_arrow(connection, "kinds", table.column_names, table.to_reader(max_chunksize=2)) == 3
    assert read(connection) == READ


def test_a_decimal_becomes_the_nearest_double(connection):
    texts = ("4.5200000000", "4.8100000000", "123456789.0000000001")
    table = pa.table({"number": pa.array([Decimal(text) for text in texts], pa.decimal128(24, 10))})
    copy_arrow(connection, "kinds", ["number"], table.to_reader())
    assert [row["number"] for row in read(connection)] == [4.52, 4.81, 123456789.0000000001]


def test_a_value_that_does_not_fit_its_column_is_an_error_and_nothing_is_written(connection):
    table = pa.table({"small": pa.array([1, 2, 40_000])})
    with pytest.raises(pa.ArrowInvalid, match="40000"), connection.begin_nested():
        copy_arrow(connection, "kinds", ["small"], table.to_reader(max_chunksize=1))
    assert read(connection) == []


def test_a_column_that_the_table_lacks_is_named(connection):
    with pytest.raises(KeyError, match="kinds has no column nowhere"):
        copy_arrow(connection, "kinds", ["nowhere"], pa.table({"nowhere": [1]}).to_reader())
