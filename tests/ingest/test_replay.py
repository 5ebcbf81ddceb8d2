"""Replay: after a mapping is corrected its rejects become events, and nothing else changes."""

from __future__ import annotations

from datetime import date

from customer_behavior.cli import main
from customer_behavior.ingest.replay import replay_rejects
from customer_behavior.settings import load_shop
from support import small_shop
from support.small_shop import line

ONE, TWO, THREE = (date(2024, 3, n) for n in (5, 6, 7))
LEDGER = "SELECT batch_date, rows_read, rows_accepted, rows_rejected FROM raw.ingest_batches ORDER BY 1"
UNTOUCHED = f"SELECT loaded_at FROM raw.ingest_batches WHERE batch_date = '{TWO}'"


def land(landing) -> None:
    small_shop.land(landing, ONE, [line(f"{ONE} 10:00:00"), line(f"{ONE} 11:00:00", type="buy")])
    small_shop.land(landing, TWO, [line(f"{TWO} 10:00:00")])
    small_shop.land(landing, THREE, [line(f"{THREE} 10:00:00"), line(f"{THREE} 10:00:00", price="cheap")])


def test_rejects_become_events_after_the_mapping_is_corrected(landing, load, query, warehouse):
    land(landing)
    load(ONE, THREE)
    assert query(LEDGER) == [(ONE, 2, 1, 1), (TWO, 1, 1, 0), (THREE, 2, 1, 1)]
    untouched = query(UNTOUCHED)
    small_shop.configure(landing.parent, {"event_types": {"buy": "purchase"}})
    assert replay_rejects(warehouse, load_shop(), "till", ONE, THREE, landing=landing) == [(ONE, 1, 0), (THREE, 1, 1)]
    assert query(LEDGER) == [(ONE, 2, 2, 0), (TWO, 1, 1, 0), (THREE, 2, 1, 1)]
    assert query("SELECT batch_date, reason FROM raw.rejected_events") == [(THREE, "number_unreadable")]
    assert query(UNTOUCHED) == untouched
    assert query("SELECT sum(purchase_lines) FROM features.customer_day") == [(4,)]


def test_a_reason_and_a_range_narrow_what_is_loaded_again(landing, load, warehouse):
    land(landing)
    load(ONE, THREE)
    assert replay_rejects(warehouse, load_shop(), "till", ONE, THREE, "number_unreadable", landing=landing) == [
        (THREE, 1, 1)
    ]
    assert replay_rejects(warehouse, load_shop(), "till", TWO, TWO, landing=landing) == []


def test_the_command_lists_what_it_replayed(landing, load, warehouse, monkeypatch, capsys):
    land(landing)
    load(ONE, THREE)
    monkeypatch.setenv("WAREHOUSE_URL", warehouse.url.render_as_string(hide_password=False))
    main(["replay-rejects", "--source", "till", "--from", str(ONE), "--to", str(THREE)])
    assert capsys.readouterr().out.splitlines() == [
        "2024-03-05: 1 rejects before, 1 after",
        "2024-03-07: 1 rejects before, 1 after",
    ]
