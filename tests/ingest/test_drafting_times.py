"""Times of a stranger's file: found by their values, and what cannot be placed is said with what to do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from customer_behavior.ingest.drafting.draft import draft_source
from customer_behavior.ingest.drafting.onboarding import onboard
from customer_behavior.settings import load_shop
from support import stranger_files as files
from support.stranger_files import check

DAY = date(2024, 3, 25)


def drafted(path: Path, name: str = "shop") -> dict:
    return yaml.safe_load(draft_source(name, path, load_shop()).text)


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
    assert check("--source", "newshop", "--file", str(path), "--accept") == 1
    said = capsys.readouterr().out
    assert words in said and "no column of times was found" in said
    assert not (landing.parent / "sources" / "newshop.yaml").exists()


def test_dates_without_a_time_load_and_it_is_said(landing):
    draft = draft_source("shop", time_file(landing, ["2024-03-25"] * 30), load_shop())
    assert "days without a time of day" in draft.text and not draft.lacks
