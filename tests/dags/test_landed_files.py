"""Files landed twice, not yet, or all at once, each through a run of a DAG."""

from __future__ import annotations

import gzip
from datetime import date

from support.small_shop import line

ONE, TWO, THREE, FOUR = (date(2024, 3, n) for n in (5, 6, 7, 8))
LEDGER = "SELECT batch_date, status, rows_read, rows_accepted, rows_rejected, rows_duplicate FROM raw.ingest_batches ORDER BY 1"


def at(day: date, time: str = "10:00:00") -> str:
    return f"{day} {time}"


def test_copies_backups_and_an_intraday_file_count_once_and_are_in_the_ledger(shop):
    shop.configure(path="till/{date}*.csv*")
    path = shop.land(ONE, [line(at(ONE)), line(at(ONE), "c2"), line(at(ONE), "c3")])
    content = path.read_bytes()
    for name in (f"{ONE} (1).csv", f"{ONE}.csv.bak", f"{ONE}_intraday.csv", f"{ONE}.csv.part", "other.csv"):
        (path.parent / name).write_bytes(content)
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(content))
    shop.load(ONE)
    assert shop.query(LEDGER) == [(ONE, "loaded", 3, 3, 0, 0)]
    assert shop.query("SELECT sum(orders), sum(revenue) FROM features.customer_day") == [(3, 7.5)]
    [(read, passed)] = shop.query("SELECT files, files_passed_over FROM raw.ingest_batches")
    assert read == [f"till/{ONE}.csv"]
    assert {one["file"] for one in passed} == {
        f"till/{ONE}{rest}" for rest in (" (1).csv", ".csv.bak", "_intraday.csv", ".csv.part", ".csv.gz")
    }
    run = shop.run(ONE)
    assert f"till {ONE}: till/{ONE}.csv.bak was not read: its name is that of a backup" in run.log


def test_an_upload_in_progress_is_waited_for_and_named(shop):
    for on_missing in ("fail", "empty"):
        shop.configure(path="till/{date}.csv*", on_missing=on_missing)
        shop.land(ONE, [line(at(ONE))]).rename(shop.landing / "till" / f"{ONE}.csv.part")
        log = shop.fail(ONE, "wait_for_files[-1]")
        assert (
            f"NotReadyError: till {ONE}: not landed yet: till/{ONE}.csv.part: its name is that of a file still" in log
        )
        assert shop.query(LEDGER) == []
        (shop.landing / "till" / f"{ONE}.csv.part").rename(shop.landing / "till" / f"{ONE}.csv")
    shop.load(ONE)
    assert shop.query(LEDGER) == [(ONE, "loaded", 1, 1, 0, 0)]


def test_one_export_of_a_history_is_cut_by_day_and_loaded(shop):
    shop.configure(reject_limit=1)
    lines = [line(at(TWO), "c2"), line(at(ONE)), line("never", "c3"), line(at(FOUR), item='"two\nlines"'), "bad"]
    path = shop.land(ONE, lines)
    (shop.landing / "history").mkdir()
    path.rename(shop.landing / "history" / "all.csv")
    run = shop.run(ONE, "load_history", source="till", file="history/all.csv")
    assert run.state == "success", run.log[-6000:]
    assert shop.query(LEDGER) == [
        (ONE, "loaded", 2, 1, 1, 0),
        (TWO, "loaded", 1, 1, 0, 0),
        (THREE, "empty", 0, 0, 0, 0),
        (FOUR, "loaded", 2, 1, 1, 0),
    ]
    assert shop.query("SELECT batch_date, reason FROM raw.rejected_events ORDER BY 1") == [
        (ONE, "time_unreadable"),
        (FOUR, "column_count"),
    ]
    before = shop.tables()
    shop.landed = {ONE: 2}
    shop.load(ONE)  # a day of it, as any day
    assert shop.tables() == before
    shop.land(TWO, [line(at(TWO), "another")])
    run = shop.run(ONE, "load_history", source="till", file="history/all.csv")
    assert (run.state, shop.tables()) == ("failed", before)
    assert f"BadInputError: till/{TWO}.csv: there are files of these days, and they do not hold what" in run.log
