"""Which of the files that lie there are a batch's: finished ones, each content once."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from customer_behavior.asof import ONE_DAY
from customer_behavior.errors import BadInputError
from customer_behavior.ingest import same_content
from customer_behavior.ingest.landing import Found, counted_once, landed_files
from support import small_shop

DAY = date(2024, 3, 5)
HEADER = "time,item\n"
ROWS = HEADER + "10:00,tea\n11:00,milk\n"
OTHER = HEADER + "12:00,soap\n"


def put(folder: Path, name: str, content: str = ROWS) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())


def find(folder: Path, path: str = "till/{date}*.csv*") -> Found:
    found = landed_files(SimpleNamespace(path=path), DAY, folder)
    return found if found.awaited else counted_once(found, folder, header_lines=1)


def names(found: Found) -> list[str]:
    return [file.name for file in found.files]


UNFINISHED = (
    "2024-03-05.csv.part", "2024-03-05.csv.tmp", "2024-03-05.csv.crdownload", "2024-03-05.csv.filepart", "2024-03-05.csv.partial",
    "2024-03-05.csv.gz.part", "2024-03-05.part.csv", "2024-03-05.csv.4711.tmp", "2024-03-05.csv.tmp4711", "2024-03-05.tmp.csv",
    "2024-03-05.csv.download", "2024-03-05.csv.opdownload", "2024-03-05.csv.uploading", "2024-03-05.csv.in_progress",
    "2024-03-05.csv._COPYING_", "2024-03-05.csv.TMP", "2024-03-05 (1).csv.crdownload", "2024-03-05_incomplete.csv",
    "2024-03-05.csv.incomplete", "2024-03-05.csv.writing", "2024-03-05.csv.aria2", "2024-03-05.csv.!qB", "2024-03-05.csv_part",
)  # fmt: skip
NEVER_READ = (
    "2024-03-05.csv.bak", "2024-03-05.csv~", "2024-03-05.csv.old", "2024-03-05.csv.orig", "2024-03-05.bak.csv", "2024-03-05_backup.csv",
    "2024-03-05.csv.bak2", "2024-03-05.csv.save", "2024-03-05.csv.swp", "2024-03-05.csv.~1~", "2024-03-05-bak.csv.gz",
    "2024-03-05.csv.md5", "2024-03-05.csv.gz.sha256", "2024-03-05.csv.zip", "2024-03-05.csvx", "2024-03-05.csv.GZ",
)  # fmt: skip
COPIES = (
    "2024-03-05 (1).csv", "2024-03-05(2).csv", "2024-03-05 - Copy.csv", "2024-03-05 - Copy (3).csv", "2024-03-05 copy.csv",
    "2024-03-05 copy 2.csv", "2024-03-05_copy.csv", "2024-03-05 - Kopie.csv", "2024-03-05 - copia.csv", "2024-03-05_old.csv",
    "2024-03-05.csv (1).gz", "2024-03-05.csv.1", "2024-03-05.csv.gz", "2024-03-05 (1).csv.gz", "2024-03-05.csv(1)",
    "2024-03-05[1].csv",
)  # fmt: skip


@pytest.mark.parametrize("name", UNFINISHED)
def test_an_unfinished_upload_is_awaited_alone_and_passed_over_beside_its_finished_file(tmp_path, name):
    put(tmp_path, f"till/{name}", ROWS[:15])
    alone = find(tmp_path)
    assert (alone.files, [one.file.name for one in alone.awaited]) == ([], [name])
    put(tmp_path, "till/2024-03-05.csv")
    both = find(tmp_path)
    assert (names(both), both.awaited, [one.file.name for one in both.passed_over]) == (["2024-03-05.csv"], [], [name])


def test_a_day_in_parts_waits_for_the_part_that_is_still_on_its_way(tmp_path):
    put(tmp_path, "till/2024-03-05_a.csv")
    put(tmp_path, "till/2024-03-05_b.csv.part", OTHER)
    assert [one.file.name for one in find(tmp_path).awaited] == ["2024-03-05_b.csv.part"]
    (tmp_path / "till/2024-03-05_b.csv.part").rename(tmp_path / "till/2024-03-05_b.csv")
    assert names(find(tmp_path)) == ["2024-03-05_a.csv", "2024-03-05_b.csv"]


@pytest.mark.parametrize("name", NEVER_READ)
def test_backups_and_files_beside_the_data_are_never_read(tmp_path, name):
    put(tmp_path, f"till/{name}")
    alone = find(tmp_path)
    assert (alone.files, alone.awaited, [one.file.name for one in alone.passed_over]) == ([], [], [name])
    put(tmp_path, "till/2024-03-05.csv")
    both = find(tmp_path)
    assert (names(both), [one.file.name for one in both.passed_over]) == (["2024-03-05.csv"], [name])


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_counts_once_and_alone_is_the_day(tmp_path, name):
    put(tmp_path, f"till/{name}")
    assert names(find(tmp_path)) == [name]
    put(tmp_path, "till/2024-03-05.csv")
    [kept] = find(tmp_path).files
    assert kept.name == "2024-03-05.csv"
    put(tmp_path, f"till/{name}", ROWS + "12:00,soap\n")  # the same export, taken later
    assert names(find(tmp_path)) == [name]
    put(tmp_path, f"till/{name}", OTHER)
    with pytest.raises(BadInputError, match="are copies of one file by their names, and differ") as caught:
        find(tmp_path)
    assert name in str(caught.value) and "till/2024-03-05.csv" in str(caught.value)


def test_what_the_pattern_spells_out_is_meant(tmp_path):
    for name, path in (
        ("backup_2024-03-05.csv", "till/backup_{date}.csv*"),
        ("2024-03-05.tmp", "till/{date}.tmp"),
        (".2024-03-05.csv", "till/.{date}*.csv"),
        ("2024-03-05_intraday_1.jsonl", "till/{date}_intraday*.jsonl"),
        ("2024-03-05_7.jsonl.gz", "till/{date}*.json*"),
        ("2024-03-05", "till/{date}*"),
    ):
        put(tmp_path, f"till/{name}")
        assert names(find(tmp_path, path)) == [name]


@pytest.mark.parametrize(
    "names_of", [("{}", "{}_intraday"), ("events_{}", "events_intraday_{}"), ("{}_b", "Intraday-{}")]
)
def test_an_intraday_file_counts_only_until_the_day_has_its_own(tmp_path, names_of):
    daily, early = (f"{name.format(DAY)}.jsonl" for name in names_of)
    put(tmp_path, f"ga4/{early}", OTHER)
    assert names(find(tmp_path, "ga4/*{date}*.jsonl*")) == [early]
    put(tmp_path, f"ga4/{daily}.part")
    assert [one.file.name for one in find(tmp_path, "ga4/*{date}*.jsonl*").awaited] == [f"{daily}.part"]
    put(tmp_path, f"ga4/{daily}")
    put(tmp_path, f"ga4/{early}.part")
    found = find(tmp_path, "ga4/*{date}*.jsonl*")
    assert (names(found), found.awaited) == ([daily], [])
    assert "the day's own file" in found.passed_over[0].reason


@pytest.mark.parametrize(
    "name", [".2024-03-05.csv", ".2024-03-05.csv.Xa12Bc", "2024-03-05.csv.part", "2024-03-05.csv.tmp"]
)
def test_an_upload_is_seen_under_a_name_that_the_pattern_does_not_match(tmp_path, name):
    put(tmp_path, f"till/{name}")
    put(tmp_path, "till/2024-03-05_other.csv.part")
    for path in ("till/{date}.csv", "till/*{date}.csv"):
        found = find(tmp_path, path)
        assert (found.files, [one.file.name for one in found.awaited if "other" not in one.file.name]) == ([], [name])
    put(tmp_path, "till/2024-03-05.csv")
    assert names(find(tmp_path, "till/{date}.csv")) == ["2024-03-05.csv"]


def test_files_in_hidden_folders_are_not_the_day_s(tmp_path):
    for name in ("a/2024-03-05.csv", ".trash/2024-03-05.csv", "a/.old/2024-03-05_b.csv"):
        put(tmp_path, f"till/{name}", HEADER + f"10:00,{name}\n")
    found = find(tmp_path, "till/**/{date}*.csv")
    assert [str(file.relative_to(tmp_path)) for file in found.files] == ["till/a/2024-03-05.csv"]
    assert {one.reason for one in found.passed_over} == {"its folder is hidden"}


def test_an_empty_file_has_not_landed_and_files_without_rows_are_no_copies(tmp_path):
    put(tmp_path, "till/2024-03-05.csv", "")
    assert "0 bytes" in find(tmp_path).awaited[0].reason
    put(tmp_path, "till/2024-03-05.csv", HEADER)
    put(tmp_path, "till/2024-03-05_b.csv", HEADER)
    put(tmp_path, "till/2024-03-05_c.csv", ROWS)
    put(tmp_path, "till/2024-03-05_d.csv", f"\ufeff{ROWS[:-1]}".replace("\n", "\r\n"))
    found = find(tmp_path)
    assert names(found) == ["2024-03-05.csv", "2024-03-05_b.csv", "2024-03-05_c.csv"]
    assert [(one.file.name, one.reason) for one in found.passed_over] == [
        ("2024-03-05_d.csv", "it holds the same as till/2024-03-05_c.csv")
    ]


def test_a_compressed_copy_that_breaks_off_is_not_chosen(tmp_path):
    put(tmp_path, "till/2024-03-05.csv")
    cut = gzip.compress((ROWS * 500).encode())
    for size in (len(cut) // 2, len(cut) - 4):
        (tmp_path / "till/2024-03-05.csv.gz").write_bytes(cut[:size])
        (tmp_path / "till/2024-03-05.csv").write_text(ROWS * 500)
        assert names(find(tmp_path)) == ["2024-03-05.csv"]


def test_one_file_alone_is_not_opened_and_others_only_where_they_begin_alike(tmp_path, monkeypatch):
    read: Counter[str] = Counter()
    opened = same_content.open_text

    def counting(path):
        read[path.name] += 1
        return opened(path)

    monkeypatch.setattr(same_content, "open_text", counting)
    put(tmp_path, "till/2024-03-05.csv")
    find(tmp_path)
    assert not read
    for name, item in (("b", "soap"), ("c", "wine")):
        put(tmp_path, f"till/2024-03-05_{name}.csv", HEADER + f"10:00,{item}\n" * 100_000)
    find(tmp_path)
    assert read == {"2024-03-05.csv": 1, "2024-03-05_b.csv": 1, "2024-03-05_c.csv": 1}


# --- at random ------------------------------------------------------------------------------------------------------

MARKS = ("{}", "{} (1)", "{} - Copy", "{}_copy", "{}(2)")
JUNK = ("{}.csv.bak", "{}.csv~", "{}.csv.part", "{}.csv.gz.tmp", "{}.csv.md5", "{}.bak.csv")


def rows_read(found: Found) -> Counter:
    lines: Counter = Counter()
    for file in found.files:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        lines.update(content.decode().splitlines()[1:])
    return lines


def land_at_random(
    chance: random.Random, folder: Path, day: date, header: str, row: Callable[[date, int, int], str]
) -> tuple[Counter, bool]:
    """Land a day's export in parts, and copy, compress, back up and half upload them; return its rows, and whether one is on its way."""
    sold: Counter = Counter()
    awaited = False
    for part in range(chance.randint(1, 4)):
        name = f"{day}{f'_{part}' if part or chance.random() < 0.5 else ''}"
        lines = [row(day, part, n) for n in range(chance.randint(1, 60))]
        content = header + "".join(f"{line}\n" for line in lines)
        landed = chance.random() < 0.95
        for mark in chance.sample(MARKS, chance.randint(1, 3)) if landed else ():
            kept = len(content) if chance.random() < 0.7 else chance.randint(len(header) + 1, len(content))
            form = ".csv.gz" if chance.random() < 0.4 else ".csv"
            put(folder, f"till/{mark.format(name)}{form}", content[:kept])
        if landed:
            put(folder, f"till/{name}.csv{chance.choice(['', '.gz'])}", content)
            sold.update(lines)
        for junk in chance.sample(JUNK, 2) if not landed else chance.sample(JUNK, chance.randint(0, 2)):
            put(folder, f"till/{junk.format(name)}", content[: chance.randint(1, len(content))])
            awaited |= not landed and ("part" in junk or "tmp" in junk)
    if sold and chance.random() < 0.3:
        put(
            folder,
            f"till/{day}_intraday.csv",
            header + "".join(f"{line}\n" for line in [*sold][: chance.randint(1, 9)]),
        )
    return sold, awaited


@pytest.mark.parametrize("seed", range(60))
def test_random_sets_of_files_count_each_row_as_often_as_it_was_sold(tmp_path, seed):
    chance = random.Random(seed)
    sold, awaited = land_at_random(
        chance, tmp_path, DAY, HEADER, lambda _, part, n: f"1{part}:{n:02d},{chance.choice('abc')}"
    )
    found = find(tmp_path)
    assert bool(found.awaited) == awaited
    if not awaited:
        assert rows_read(found) == sold
    there = {file.name for file in (tmp_path / "till").iterdir()}
    assert {file.name for file in found.files} | {one.file.name for one in found.passed_over} == there, (
        "each is accounted for"
    )


def test_random_days_are_loaded_as_they_were_sold(landing, load, query):
    """The same through a load: events, orders and revenue beside a count that knows of no files."""
    small_shop.configure(landing.parent, {"path": "till/{date}*.csv*", "on_missing": "empty"})
    chance = random.Random(7)
    header = ",".join(small_shop.HEADER) + "\n"
    told: list[tuple[date, int, int, float]] = []
    day = DAY
    while len(told) < 40:
        sold, awaited = land_at_random(
            chance, landing, day, header,
            lambda day, part, n: f"{day} 1{part}:{n:02d}:00,purchase,c{n % 7},{day}-{part}-{n},tea,g,{n % 3 + 1},2.50,0",
        )  # fmt: skip
        if awaited:
            for file in (landing / "till").glob(f"{day}*"):
                file.unlink()
            continue
        units = sum(int(line.split(",")[6]) for line in sold)
        told.append((day, len(sold), len(sold), units * 2.5))
        day += ONE_DAY
    load(DAY, day - ONE_DAY)
    assert query("SELECT batch_date, rows_accepted FROM raw.ingest_batches ORDER BY 1") == [one[:2] for one in told]
    found = "SELECT batch_date, count(*), count(DISTINCT order_id), sum(quantity * price) FROM raw.events GROUP BY 1 ORDER BY 1"
    assert query(found) == [one for one in told if one[1]]
