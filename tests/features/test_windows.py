"""A feature of a known kind is an entry of features.yaml and a column of the table: its SQL is made from the entry."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import sqlglot
import yaml
from sqlglot import exp

from customer_behavior.errors import ConfigurationError
from customer_behavior.features import snapshot
from customer_behavior.features.windows import DERIVED, WIDE, bands_sql, insert_sql
from customer_behavior.ingest import customer_day
from customer_behavior.settings import load_settings
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.warehouse import sql_text
from support import small_shop
from support.small_shop import line

AS_OF = date(2024, 5, 13)
NEW = {
    "orders_120d": {"source": ["orders"], "aggregate": "sum", "window_days": 120},
    "revenue_14d": {"source": ["revenue"], "aggregate": "sum", "window_days": 14},
    "max_price_paid_7d": {"source": ["max_price_paid"], "aggregate": "max", "window_days": 7},
    "price_paid_14d": {"source": ["revenue", "units"], "aggregate": "ratio", "window_days": 14},
    "orders_trend_14d": {"source": ["orders"], "aggregate": "trend", "window_days": 14, "baseline_days": 120},
    "weekend_events_120d": {"source": ["weekend_events"], "aggregate": "sum", "window_days": 120},
    "channel_7d": {"source": ["event_day", "channel"], "aggregate": "newest", "window_days": 7, "kind": "category"},
}


@pytest.fixture
def loaded(warehouse, tmp_path, monkeypatch) -> Path:
    """A shop of one customer with orders 1, 10, 100 and 119 days ago; return its features.yaml."""
    for name, value in small_shop.configure(tmp_path, {"on_missing": "empty"}).items():
        monkeypatch.setenv(name, value)
    for days_ago, price in ((119, "3"), (100, "10"), (10, "8"), (1, "5")):
        day = AS_OF - timedelta(days=days_ago)
        small_shop.land(
            tmp_path / "landing", day, [line(f"{day} 10:00:00", basket=f"b{days_ago}", price=price, units=2)]
        )
        ingest(warehouse, small_shop.SOURCE, day, day)
    with warehouse.begin() as connection:  # a channel that the newest week does not have
        set_channel = "UPDATE features.customer_day SET channel = 'mail' WHERE event_day <= :day"
        connection.execute(sa.text(set_channel), {"day": AS_OF - timedelta(days=10)})
    return tmp_path / "config" / "features.yaml"


def add(features_yaml: Path, entries: dict[str, dict]) -> None:
    """Add entries to a features.yaml."""
    content = yaml.safe_load(features_yaml.read_text())
    words = {"meaning": "A new one", "unit": "any", "phrase": "{value}", "missing": "none"}
    content["families"]["New"] = {name: words | entry for name, entry in entries.items()}
    features_yaml.write_text(yaml.safe_dump(content, sort_keys=False))


def built(warehouse) -> dict[str, object]:
    snapshot.build(warehouse, load_settings(), AS_OF)
    with warehouse.begin("score") as connection:
        return dict(connection.execute(sa.text("SELECT * FROM features.customer_snapshot")).mappings().one())


def test_an_entry_and_a_column_are_a_feature_and_change_no_other(warehouse, loaded):
    before = built(warehouse)
    add(loaded, NEW)
    with warehouse.begin() as connection:
        for name, entry in NEW.items():
            kind = "text" if entry.get("kind") == "category" else "double precision"
            connection.execute(sa.text(f"ALTER TABLE features.customer_snapshot ADD COLUMN {name} {kind}"))
    after = built(warehouse)
    assert {name: value for name, value in after.items() if name not in NEW} == before
    days = [AS_OF - timedelta(days=days_ago) for days_ago in (119, 100, 10, 1)]
    assert {name: after[name] for name in NEW} == {
        "orders_120d": 4,
        "revenue_14d": 26,
        "max_price_paid_7d": 5,
        "price_paid_14d": 6.5,
        "orders_trend_14d": pytest.approx((2 / 14) / (4 / 120)),
        "weekend_events_120d": sum(day.isoweekday() >= 6 for day in days),
        "channel_7d": None,
    }
    assert after["channel"] == "mail"


def test_an_entry_without_a_column_is_named_with_its_remedy(warehouse, loaded):
    add(loaded, {"orders_120d": NEW["orders_120d"]})
    with pytest.raises(ConfigurationError, match=r"features\.yaml: orders_120d is no column of .*: add a migration"):
        snapshot.build(warehouse, load_settings(), AS_OF)


def test_a_column_without_an_entry_is_named_with_its_remedy(warehouse, loaded):
    content = yaml.safe_load(loaded.read_text())
    del content["families"]["Activity"]["events_7d"]
    loaded.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(
        ConfigurationError, match=r"has no entry for events_7d of features\.customer_snapshot: put it back"
    ):
        snapshot.build(warehouse, load_settings(), AS_OF)


BAD: dict[str, dict[str, Any]] = {
    "aggregate: sum needs window_days": {"source": ["orders"], "aggregate": "sum"},
    "aggregate: ratio needs 2 columns as source, not 1": {"source": ["orders"], "aggregate": "ratio", "window_days": 7},
    "aggregate: max gives no category": {
        "source": ["channel"], "aggregate": "max", "window_days": 7, "kind": "category",
    },
    "baseline_days goes with aggregate: trend": {"source": ["orders"], "aggregate": "trend", "window_days": 7},
    "baseline_days has to be more than window_days": {
        "source": ["orders"], "aggregate": "trend", "window_days": 7, "baseline_days": 7,
    },
}  # fmt: skip


@pytest.mark.parametrize("message", BAD)
def test_an_entry_that_cannot_be_aggregated_is_named_with_the_reason(tmp_path, monkeypatch, message):
    small_shop.configure(tmp_path)
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_CONFIG", str(tmp_path / "config"))
    add(tmp_path / "config" / "features.yaml", {"new_one": BAD[message]})
    with pytest.raises(ConfigurationError, match=rf"features\.yaml: families\.New\.new_one: .*{message}"):
        load_settings()


def test_the_statements_are_made_the_same_each_time_and_name_the_columns_they_write():
    features = load_settings().catalogue.columns
    assert bands_sql(features.values()) == bands_sql(reversed(features.values()))
    insert = sqlglot.parse_one(insert_sql(features), read="postgres")
    columns = [column.name for column in insert.this.expressions]
    assert columns == ["as_of_date", "customer_id", *features]
    assert insert.expression.named_selects == columns


def test_what_has_no_aggregate_has_sql_of_its_own():
    known = sqlglot.parse_one(sql_text("features/snapshot/known").text, read="postgres")
    assert isinstance(known, exp.Query)
    written = {column.alias_or_name for column in known.selects if not column.is_star}
    features = load_settings().catalogue.columns.items()
    assert written - {"customer_id"} == {name for name, feature in features if feature.aggregate is None}


def test_sums_of_bands_have_the_types_of_the_rollup(postgres):
    engine = sa.create_engine(postgres.url("migrated"))
    with engine.connect() as connection:
        types: dict[str, str] = dict(
            connection.exec_driver_sql(
                "SELECT column_name, data_type FROM information_schema.columns"
                " WHERE table_schema = 'features' AND table_name = 'customer_day'"
            )
            .tuples()
            .all()
        )
    engine.dispose()
    bands = sqlglot.parse_one(bands_sql(load_settings().catalogue.columns.values()), read="postgres")
    assert isinstance(bands, exp.Query)
    added_up = {column.alias for column in bands.selects if isinstance(column, exp.Alias) and column.find(exp.Sum)}
    assert added_up & types.keys() == added_up - DERIVED.keys()
    assert {name for name, kind in types.items() if kind == "double precision"} == customer_day.AMOUNTS | {
        "max_price_paid"
    }
    assert {name for name, kind in types.items() if kind == "bigint"} == WIDE
    assert {types[name] for name in added_up - DERIVED.keys() - customer_day.AMOUNTS - WIDE} == {"integer"}
    assert not [name for name in added_up if re.search(r"\d", name)]
