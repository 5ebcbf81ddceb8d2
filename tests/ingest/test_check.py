"""Checking a file: what is said is what a load would do, and nothing is loaded."""

from __future__ import annotations

from datetime import date

import pytest

from customer_behavior.cli import main
from customer_behavior.ingest.source import Rules
from support import small_shop
from support.small_shop import line

DAY = date(2024, 3, 5)


def check(path, *more: str) -> int:
    try:
        main(["check-source", "--source", "till", "--file", str(path), *more])
    except SystemExit as stop:
        return 0 if stop.code in (None, 0) else 1
    return 0


@pytest.fixture
def landed(landing):
    good = [line(f"{DAY} {9 + n % 12}:{n % 60:02d}:00", customer=f"c{n}") for n in range(300)]
    return small_shop.land(landing, DAY, [good[0], *good, "broken,line", line(f"{DAY} 10:00:00", price="cheap")])


def test_the_counts_are_those_of_a_load(landed, load, query, capsys):
    assert check(landed) == 0
    said = capsys.readouterr().out
    load(DAY)
    [(read, accepted, rejected)] = query("SELECT rows_read, rows_accepted, rows_rejected FROM raw.ingest_batches")
    assert f"rows: {read} read, {accepted} accepted, {rejected} rejected, 1 identical" in said
    for reason, number in query("SELECT reason, line FROM raw.rejected_events"):
        assert f"{reason:<20}         1  e.g. line {number}:" in said
    assert "→ session_id, order_id" in said
    assert "days: 2024-03-05 to 2024-03-05, without a gap" in said
    assert "this file would be loaded" in said


def test_nothing_is_loaded_and_no_database_is_needed(landed, monkeypatch, capsys):
    monkeypatch.delenv("WAREHOUSE_URL", raising=False)
    assert check(landed) == 0
    assert "first events\n  line 2: event_time=2024-03-05 09:00:00-05, event_type=purchase" in capsys.readouterr().out


def test_a_missing_column_is_named_with_the_nearest_one(landing, landed, capsys):
    columns = {**small_shop.SOURCE_FILE["columns"], "price": "prise"}
    small_shop.configure(landing.parent, {"columns": columns})
    assert check(landed) == 1
    said = capsys.readouterr().out
    assert "MISSING, mapped to price; did you mean 'price'?" in said
    assert "NOT USABLE: mapped columns are missing" in said


def test_the_column_to_fill_down_by_is_named(landing, landed, capsys):
    small_shop.configure(landing.parent, {"fill_down": {"by": "custmer", "columns": ["item"]}})
    assert check(landed) == 1
    assert "MISSING, named by fill_down; did you mean 'customer'?" in capsys.readouterr().out


def test_too_many_refusals_end_with_an_error(landing, landed, capsys):
    small_shop.configure(landing.parent, {"reject_limit": 0.001})
    assert check(landed) == 1
    assert "rows refused, more than the reject_limit of 0.1%" in capsys.readouterr().out
    assert check(landed, "--date", "2024-06-01") == 1
    assert "time_outside_batch" in capsys.readouterr().out


def test_the_zone_is_judged_by_the_quiet_hours(landing, capsys):
    stamps = [
        f"{DAY} {(hour + 5) % 24:02d}:{n:02d}:00" for hour in range(24) for n in range(1 if 1 <= hour <= 5 else 20)
    ]
    path = small_shop.land(landing, DAY, [line(stamp) for stamp in stamps])
    assert check(path) == 0
    assert "the quiet hours are at night 5 hours behind America/New_York" in capsys.readouterr().out


def test_a_file_without_rows_is_an_empty_day_as_a_load_has_it(landing, load, capsys):
    path = small_shop.land(landing, DAY, [])
    assert check(path) == 0
    assert "this file would be loaded, as an empty day" in capsys.readouterr().out
    assert load(DAY)["rows_read"] == 0


def test_a_file_of_many_days_is_judged_as_a_history(landing, capsys):
    lines = [line(f"{DAY.replace(day=1 + n % 28)} 12:00:00", customer=f"c{n}") for n in range(200)]
    path = small_shop.land(landing, DAY, lines).rename(landing / "all.csv")
    assert check(path) == 0
    said = capsys.readouterr().out
    assert "a history: each row judged as of the batch of its own day" in said
    assert "rows: 200 read, 200 accepted, 0 rejected" in said
    assert check(path, "--date", str(DAY)) == 1
    assert "time_outside_batch" in capsys.readouterr().out


def test_ids_that_a_spreadsheet_changed_are_named_and_counted(landing, capsys):
    if "whole_ids" in Rules.model_fields:  # else they are mended before they are counted
        small_shop.configure(landing.parent, {"rules": {"whole_ids": []}})
    customers = ["1001.0", "1001", "1002.0", "4.68769E+18", "7"]
    lines = [
        line(f"{DAY} 12:00:00", customer=one, item=item) for one in customers for item in ("00123", "123", "00045")
    ]
    check(small_shop.land(landing, DAY, lines))
    said = capsys.readouterr().out
    assert "customer_id: 6 rows end in .0, as '1001.0', 3 of them beside the same id without it" in said
    assert "4.68769E+18" in said
    assert "product_id: 4 rows are shorter than ids with leading zeros, as '123' beside '00045'" in said
    check(small_shop.land(landing, DAY, [line(f"{DAY} 12:00:00", customer="1001", item="milk")]))
    assert "\nids\n" not in capsys.readouterr().out


def test_a_damaged_file_of_a_new_source_is_said(landing, capsys):
    (landing.parent / "sources" / "till.yaml").unlink()
    (landing / "f.parquet").write_bytes(b"PAR1 no more")
    assert check(landing / "f.parquet") == 1


def test_a_file_that_is_not_there_is_said(landing, capsys):
    assert check(landing / "none.csv") == 1


def test_codes_that_are_sums_of_money_are_named(landing, capsys):
    """A code sold one at a time at another price each time is asked about; a product, and one that is declared, are not."""
    lines = [line(f"{DAY} 10:{n % 60:02d}:00", customer=f"c{n}", basket=f"b{n}", item=f"p{n % 60}") for n in range(600)]
    amounts = [1.5 * (n + 1) for n in range(12)]
    for code in ("M", "ADJ2"):
        lines += [
            line(f"{DAY} 11:{n:02d}:00", customer=f"c{n}", basket=f"{code}{n}", item=code, price=price)
            for n, price in enumerate(amounts)
        ]
    lines += [
        line(f"{DAY} 12:{n:02d}:00", customer=f"c{n}", basket=f"s{n}", item="SAMPLES", price=0) for n in range(11)
    ]
    small_shop.configure(landing.parent, {"charges": {"product": ["ADJ2"]}})
    assert check(small_shop.land(landing, DAY, lines)) == 0
    said = capsys.readouterr().out
    assert "    M: 12 rows, always one piece, 12 prices from 1.50 to 18.00\n" in said
    assert "    SAMPLES: 11 rows, never at a price\n" in said
    assert "ADJ2:" not in said


def test_goods_by_weight_are_products(landing, capsys):
    lines = [
        line(
            f"{DAY} 10:{n % 60:02d}:00",
            customer=f"c{n}",
            basket=f"b{n}",
            item=f"cheese{n % 20}",
            price=f"{1 + n * 0.37:.2f}",
        )
        for n in range(600)
    ]
    assert check(small_shop.land(landing, DAY, lines)) == 0
    assert "price per unit" not in capsys.readouterr().out
