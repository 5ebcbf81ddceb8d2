"""One export of a whole history becomes daily files, and says the same as them."""

from __future__ import annotations

import csv
import gzip
import json
import random
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customer_behavior.asof import ONE_DAY
from customer_behavior.errors import BadInputError, ConfigurationError, NotReadyError
from customer_behavior.ingest import blocks
from customer_behavior.ingest.history import daily_name, history_file, history_range
from customer_behavior.ingest.source import load_source
from customer_behavior.paths import REPO_DIR
from customer_behavior.settings import load_shop
from customer_behavior.stages.load_history import cut_history
from support import small_shop
from support.small_shop import line

ONE = date(2024, 3, 5)


def export(landing: Path, lines: list, name: str = "history/all.csv") -> Path:
    """Write one file with all lines, dicts or raw text."""
    path = landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", newline="") if name.endswith(".gz") else path.open("w", newline="") as file:
        writer = csv.DictWriter(file, small_shop.HEADER, lineterminator="\n")
        writer.writeheader()
        for one in lines:
            file.write(one) if isinstance(one, str) else writer.writerow(one)
    return path


def at(day: date, time: str = "10:00:00") -> str:
    return f"{day} {time}"


def daily(landing: Path) -> dict[str, str]:
    return {
        path.name: (gzip.open(path, "rt") if path.suffix == ".gz" else path.open()).read()
        for path in sorted((landing / "till").iterdir())
    }


HEAD = ",".join(small_shop.HEADER) + "\n"


def test_rows_go_to_the_file_of_their_day_and_a_day_without_any_gets_a_header(landing):
    path = export(
        landing,
        [line(at(ONE)), line(at(ONE + 2 * ONE_DAY)), line(f"{ONE + ONE_DAY}T04:59:59Z", "c2"), line(at(ONE), "c3")],
    )
    cut = cut_history("till", path, landing=landing)
    assert (cut.first, cut.last, cut.written, cut.empty, cut.rows) == (ONE, ONE + 2 * ONE_DAY, 3, 1, 4)
    assert daily(landing) == {
        "2024-03-05.csv": f"{HEAD}{at(ONE)},purchase,c1,b1,milk,dairy,1,2.50,0\n"
        "2024-03-06T04:59:59Z,purchase,c2,b1,milk,dairy,1,2.50,0\n2024-03-05 10:00:00,purchase,c3,b1,milk,dairy,1,2.50,0\n",
        "2024-03-06.csv": HEAD,
        "2024-03-07.csv": f"{HEAD}{at(ONE + 2 * ONE_DAY)},purchase,c1,b1,milk,dairy,1,2.50,0\n",
    }
    assert not [one for one in landing.iterdir() if one.name.startswith(".")], "nothing is left behind"


def test_what_was_loaded_from_a_history_is_what_its_daily_files_give(landing, load, query):
    """Rows in disorder, refused ones of all kinds, quoted line ends: each is an event or a reject, once."""
    small_shop.configure(landing.parent, {"path": "till/{date}*.csv*", "reject_limit": 1.0})
    chance = random.Random(1)
    days = [ONE + n * ONE_DAY for n in range(9)]
    lines: list = ["no date at all,purchase,c0,b0,x,g,1,1,0\n", "too,few\n"]
    for n in range(400):
        day = chance.choice(days)
        lines.append(
            line(
                at(day, f"{chance.randint(0, 23):02d}:00:{n % 60:02d}"), f"c{n}", f"b{n}", 'two\n"lines"', group=f"g{n}"
            )
        )
        if n % 40 == 0:
            lines += [
                line(at(day), f"c{n}", price="cheap"),
                line("", f"c{n}"),
                f'{at(day)},"open\n',
                "x" * 50 + "\n",
                "\n",
            ]
    path = export(landing, lines, "history/all.csv.gz")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", 700)
        cut = cut_history("till", path, landing=landing)
    assert {name.removesuffix(".csv.gz") for name in daily(landing)} == {str(day) for day in days}
    done = load(cut.first, cut.last)
    assert done["rows_read"] == cut.rows == 2 + 400 + 10 * 4
    assert cut.unreadable == 2 + 10 * 3
    assert query("SELECT count(*), count(DISTINCT customer_id) FROM raw.events") == [(400, 400)]
    assert query(
        "SELECT count(*) FROM raw.events WHERE event_day <> batch_date OR product_id <> E'two\\n\"lines\"'"
    ) == [(0,)]
    reasons = dict(query("SELECT reason, count(*) FROM raw.rejected_events GROUP BY 1"))
    assert reasons == {
        "number_unreadable": 10,
        "time_missing": 10,
        "unreadable": 10,
        "column_count": 11,
        "time_unreadable": 1,
    }
    before = query("SELECT e::text FROM raw.events AS e ORDER BY 1")
    again = cut_history("till", path, landing=landing)
    assert (again.written, again.kept) == (0, 9)
    load(again.first, again.last)
    assert query("SELECT e::text FROM raw.events AS e ORDER BY 1") == before


@pytest.mark.parametrize("seed", range(8))
def test_random_histories_lose_no_line_and_put_each_under_its_day(landing, seed, monkeypatch):
    chance = random.Random(seed)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", chance.choice([200, 900, 1 << 20]))
    end = chance.choice(["\n", "\r\n"])
    days = [ONE + timedelta(days=chance.randint(0, 40)) for _ in range(12)]
    told: Counter[tuple[date, str]] = Counter()
    lines = []
    for n in range(chance.randint(1, 60)):
        day = chance.choice(days) if seed % 2 else days[0] + n // 9 * ONE_DAY
        item = chance.choice(["tea", '"a, b"', '"two\nlines"', '"said ""no"""'])
        lines.append(f"{at(day)},purchase,c{n},b,{item},g,1,1,0{end}")
        told[day, f"c{n}"] += 1
    if chance.random() < 0.5:
        lines[-1] = lines[-1].removesuffix(end)
    path = export(landing, lines)
    cut = cut_history("till", path, landing=landing)
    found = Counter(
        (date.fromisoformat(file.stem), row["customer"])
        for file in (landing / "till").iterdir()
        for row in csv.DictReader(file.open(newline=""))
    )
    assert found == told
    assert cut.rows == len(lines)
    texts = b"".join(file.read_bytes().removeprefix(HEAD.encode()) for file in (landing / "till").iterdir())
    assert sorted(texts.splitlines()) == sorted("".join(lines).encode().splitlines())


def test_the_rows_of_an_order_stay_with_it(landing, monkeypatch):
    source = {"path": "till/{date}.csv", "fill_down": {"by": "basket", "columns": ["time", "customer"]}}
    small_shop.configure(landing.parent, source)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 60)
    two = ONE + ONE_DAY
    lines = [line("", "", "b0"), line(at(ONE)), line("", "", item="tea"), line(at(two), "", item="late"), "bad\n", line("", "", item="x"),
             line(at(two), "c2", "b2"), line("", "", "b2", item="tea")]  # fmt: skip
    cut = cut_history("till", export(landing, lines), landing=landing)
    rows = {name: [row["item"] for row in csv.DictReader(text.splitlines())] for name, text in daily(landing).items()}
    assert rows == {"2024-03-05.csv": ["milk", "tea", "late", "x", "milk", None], "2024-03-06.csv": ["milk", "tea"]}
    assert cut.unreadable == 2


NESTED = {
    "path": "till/{date}.jsonl*", "format": "jsonl", "explode": "items",
    "columns": {"event_time": "at", "event_type": "kind", "customer_id": "user.id", "product_id": "items.id"},
}  # fmt: skip


def records() -> list[dict]:
    return [
        {
            "at": at(ONE + (n % 3) * ONE_DAY),
            "kind": "purchase",
            "user": {"id": f"c{n}"},
            "items": [{"id": f"i{k}"} for k in range(n % 4)],
        }
        for n in range(30)
    ]


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "parquet"])
def test_records_with_items_and_tables_are_cut_whole(landing, load, query, form, monkeypatch):
    small_shop.configure(
        landing.parent,
        {**NESTED, "path": f"till/{{date}}*.{form[:5]}*", "format": form.split(".")[0], "reject_limit": 1},
    )
    if form == "parquet":
        small_shop.configure(landing.parent, {**NESTED, "path": "till/{date}*.parquet", "format": "parquet"})
        monkeypatch.setattr("customer_behavior.ingest.history_days.BATCH_ROWS", 7)
        (landing / "history").mkdir()
        path = landing / "history" / "all.parquet"
        pq.write_table(pa.Table.from_pylist(records()), path, row_group_size=11)
        bad = 0
    else:
        path = landing / "history" / f"all.{form}"
        path.parent.mkdir()
        text = "".join(json.dumps(one) + "\n" for one in records()[:-1]) + "{broken\n" + json.dumps(records()[-1])
        path.write_bytes(gzip.compress(text.encode()) if form.endswith(".gz") else text.encode())
        bad = 1
    cut = cut_history("till", path, landing=landing)
    assert (cut.first, cut.written, cut.rows, cut.unreadable) == (ONE, 3, 30 + bad, bad)
    load(cut.first, cut.last)
    items = [(f"c{n}", max(n % 4, 1), ONE + (n % 3) * ONE_DAY) for n in range(30)]
    assert query("SELECT customer_id, count(*), min(batch_date) FROM raw.events GROUP BY 1 ORDER BY 1") == sorted(items)
    assert query("SELECT count(*) FROM raw.rejected_events") == [(bad,)]


def test_days_that_are_there_are_not_overwritten(landing):
    path = export(landing, [line(at(ONE)), line(at(ONE + ONE_DAY)), line(at(ONE + 3 * ONE_DAY))])
    small_shop.land(landing, ONE + ONE_DAY, [line(at(ONE + ONE_DAY), "another")])
    small_shop.land(landing, ONE + 2 * ONE_DAY, [line(at(ONE + 2 * ONE_DAY), "not in the export")])
    before = daily(landing)
    with pytest.raises(
        BadInputError, match=r"till/2024-03-06\.csv: there are files of these days.*nothing was written"
    ):
        cut_history("till", path, landing=landing)
    assert daily(landing) == before
    cut = cut_history("till", path, landing=landing, first=ONE + 2 * ONE_DAY)
    assert (cut.written, cut.kept, cut.outside) == (1, 1, 2)
    assert set(daily(landing)) == {*before, "2024-03-08.csv"}


def test_a_closed_day_and_a_source_that_may_do_without_get_no_file(landing):
    path = export(landing, [line(at(ONE)), line(at(ONE + 2 * ONE_DAY))])
    for change in ({"calendar": {"closed": ["wed"]}}, {"on_missing": "empty"}):
        small_shop.configure(landing.parent, change)
        assert cut_history("till", path, landing=landing).empty == 0
        assert set(daily(landing)) == {"2024-03-05.csv", "2024-03-07.csv"}


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (["never,purchase,c1,b1,milk,g,1,1,0\n"], {}, "no row has a time that can be read; correct columns.event_time"),
        (
            [line(at(ONE))],
            {"first": ONE + ONE_DAY},
            "no row of the days asked for; its rows are of 2024-03-05 to 2024-03-05",
        ),
        ([line("1999-01-01 10:00:00"), line(at(ONE))], {}, "no row between 1999-01-01 and 2024-03-05"),
        ([], {}, "no row has a time"),
    ],
)
def test_what_cannot_be_cut_is_said_and_leaves_nothing(landing, lines, options, message):
    path = export(landing, lines)
    with pytest.raises(BadInputError, match=message):
        cut_history("till", path, landing=landing, **options)
    assert [one.name for one in landing.iterdir()] == ["history"]


def test_a_file_is_named_below_the_landing_folder(landing, tmp_path):
    export(landing, [line(at(ONE))])
    export(tmp_path, [line(at(ONE))], "elsewhere.csv")
    for name, message in (
        ("../elsewhere.csv", "relative to the landing"),
        ("/etc/passwd", "relative"),
        ("none.csv", "there is no file"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            history_file(name, landing)
    with pytest.raises(NotReadyError, match="still being written"):
        cut_history("till", export(landing, [line(at(ONE))], "history/all.csv.part"), landing=landing)
    with pytest.raises(ConfigurationError, match="from_date is None"):
        history_range(load_shop(), "till", None, None, None, landing=landing)
    assert history_range(load_shop(), "till", "history/all.csv", None, None, landing=landing) == (ONE, ONE)


@pytest.mark.parametrize(
    ("path", "form", "compressed", "name"),
    [
        ("till/{date}.csv", "csv", True, "till/2024-03-05.csv"),
        ("till/{date}*.csv*", "csv", True, "till/2024-03-05.csv.gz"),
        ("till/{date}.csv.gz", "csv", False, "till/2024-03-05.csv.gz"),
        ("till/{date}/*.csv", "csv", False, "till/2024-03-05/history.csv"),
        ("**/till-{date}*", "csv", False, "till-2024-03-05"),
        ("till/{date}*.parquet", "parquet", True, "till/2024-03-05.parquet"),
    ],
)
def test_a_daily_file_has_a_name_that_the_source_finds(landing, path, form, compressed, name):
    small_shop.configure(landing.parent, {"path": path, "format": form})
    assert daily_name(load_source("till"), ONE, compressed) == name
    assert name in {str(one.relative_to(landing)) for one in _touched(landing, name).glob(path.format(date=ONE))}


def _touched(landing: Path, name: str) -> Path:
    (landing / name).parent.mkdir(parents=True, exist_ok=True)
    (landing / name).write_text("x")
    return landing


def test_the_command_cuts_and_says_what_to_load(landing):
    export(landing, [line(at(ONE)), line("", "c2")])
    command = [
        sys.executable,
        "-m",
        "customer_behavior",
        "cut-history",
        "--source",
        "till",
        "--file",
        "history/all.csv",
    ]
    done = subprocess.run(command, cwd=REPO_DIR / "include", capture_output=True, text=True, check=False)
    assert done.stdout == (
        "2 rows of 2024-03-05 to 2024-03-05 in 1 daily files; 1 rows without a readable time, beside the row before them, will be "
        "refused\nload them with load_history: source till, from 2024-03-05 to 2024-03-05\n"
    ), done.stderr
