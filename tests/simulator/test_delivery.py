"""Late, repeated and broken rows: the manifest against an independent count, and against what ingest makes of the files."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from customer_behavior.ingest.engine import open_engine
from customer_behavior.ingest.reading import read_delimited
from customer_behavior.ingest.source import load_source
from customer_behavior.ingest.staging import Batch, Staging
from customer_behavior.simulator.bad_rows import KINDS
from simulator.shops import Shop, world_of

TYPES = {b"view", b"cart", b"remove_from_cart", b"purchase", b"return"}
STAMP = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
PRICES = {b"twelve": "price_unreadable", b"1e308": "price_huge", b"nan": "price_nan", b"-9.99": "price_negative"}
KINDS_IN_DAILY_USE = [kind for kind in KINDS if kind != "quote_unclosed"]


def lines_of(path: Path) -> list[bytes]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    assert content.endswith(b"\n")
    return content.split(b"\n")[1:-1]


def fault(line: bytes) -> str | None:
    """Return what is wrong with a line, by its text alone."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return "encoding"
    fields = line.split(b",")
    if len(fields) != 12:
        return "columns_few" if len(fields) < 12 else "columns_many"
    time, kind, price = fields[0], fields[1], fields[6]
    faults = [
        ("nul_byte", b"\0" in line),
        ("time_missing", not time),
        ("time_unreadable", not STAMP.fullmatch(time) and bool(time)),
        ("time_impossible", time.startswith(b"2024-02-31")),
        ("time_ancient", time.startswith(b"1900")),
        ("time_far_future", time.startswith(b"2999")),
        ("type_missing", not kind),
        ("type_unknown", bool(kind) and kind not in TYPES),
        ("nobody", not fields[7] and not fields[8]),
        (PRICES.get(price, ""), not re.fullmatch(rb"\d+\.\d\d", price)),
    ]
    return next((name for name, is_so in faults if is_so), None)


def local_day(line: bytes, shop: Shop) -> date:
    stamp = datetime.strptime(line[:19].decode(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return stamp.astimezone(shop.world.zone).date()


def counted(shop: Shop) -> dict[str, dict]:
    """Return, by file, its rows by kind: counted from the files alone, in the order of their days."""
    found: dict[str, dict] = {}
    seen: set[bytes] = set()
    for path in sorted((shop.out / "clickstream").iterdir()):
        day = date.fromisoformat(path.name[:10])
        here: dict = {"on_time": 0, "late": 0, "duplicated": 0, "identical_lines": 0, "bad": Counter()}
        new: Counter = Counter()
        lines = lines_of(path)
        for line in lines:
            wrong = fault(line)
            if wrong:
                here["bad"][wrong] += 1
            elif line in seen:
                here["duplicated"] += 1
            else:
                new[line] += 1
        for line, times in new.items():
            here["on_time" if local_day(line, shop) == day else "late"] += times
            here["identical_lines"] += times - 1
            assert local_day(line, shop) <= day
        seen |= set(new)
        here |= {"bad": dict(here["bad"]), "rows": len(lines), "good": here["on_time"] + here["late"]}
        found[f"clickstream/{path.name}"] = here
    return found


def test_the_manifest_counts_what_an_independent_count_finds(shifting):
    assert counted(shifting) == shifting.manifest["files"]
    totals = shifting.manifest["totals"]
    assert totals["bad"] == {kind: n for kind, n in shifting.world.bad_rows.items() if n}
    assert totals["late"] == pytest.approx(0.02 * totals["good"], rel=0.1)
    assert totals["duplicated"] == pytest.approx(0.01 * totals["good"], rel=0.1)
    assert totals["identical_lines"] == pytest.approx(0.05 * totals["events"]["purchase"], rel=0.3)
    assert sum(totals["events"].values()) == totals["good"]


def test_nothing_is_late_twice_or_broken_where_nothing_is_planted(simulated):
    over_a_clock_change = simulated(world_of(timezone="America/New_York"))
    for counts in counted(over_a_clock_change).values():
        assert counts["on_time"] == counts["rows"] > 0
        assert counts["identical_lines"] == 0


def test_late_and_repeated_rows_come_within_their_days(simulated):
    late, twice = {"share": 0.2, "max_days": 3}, {"share": 0.1, "max_days": 2}
    shop = simulated(world_of(late=late, duplicated=twice), compress=False)
    first: dict[bytes, date] = {}
    delays: Counter[int] = Counter()
    repeats: Counter[int] = Counter()
    for path in sorted((shop.out / "clickstream").iterdir()):
        day = date.fromisoformat(path.stem)
        for line in lines_of(path):
            if line in first:
                repeats[(day - first[line]).days] += 1
            else:
                first[line] = day
                delays[(day - local_day(line, shop)).days] += 1
    assert set(delays) == {0, 1, 2, 3}
    assert set(repeats) == {1, 2}
    assert shop.manifest["totals"]["late"] == delays[1] + delays[2] + delays[3]
    assert shop.manifest["totals"]["duplicated"] == sum(repeats.values())


def test_a_plant_of_delivery_moves_no_event(simulated):
    plain = simulated(world_of())
    planted = simulated(
        world_of(
            late={"share": 0.1, "max_days": 5},
            duplicated={"share": 0.1, "max_days": 5},
            identical_lines=0.2,
            bad_rows=dict.fromkeys(KINDS_IN_DAILY_USE, 3),
        )
    )
    lines = [
        {line for path in (shop.out / "clickstream").iterdir() for line in lines_of(path) if not fault(line)}
        for shop in (plain, planted)
    ]
    assert lines[0] == lines[1]


def taken_in(shop: Shop) -> tuple[dict[str, dict], Counter]:
    """Return what ingest makes of each file, in one load of all of them, and the reasons of its rejects."""
    source = load_source("clickstream")
    found: dict[date, dict[str, int]] = {}
    reasons: Counter[tuple[str, str]] = Counter()
    with open_engine(source.timezone) as engine:
        staging = Staging(engine, source, shop.world.zone, shop.out)
        for path in sorted((shop.out / "clickstream").iterdir()):
            batch = Batch(date.fromisoformat(path.name[:10]), "loaded", [path])
            refused = staging.read(batch)
            reasons.update((f"clickstream/{path.name}", refusal["reason"]) for refusal in refused)
            found[batch.batch_date] = {"read": batch.rows_read, "rejected": batch.rows_rejected}
        staging.identify()
        duplicates = staging.count_disowned()
    for day, counts in found.items():
        counts["duplicate"] = duplicates.get(day, 0)
        counts["accepted"] = counts["read"] - counts["rejected"] - counts["duplicate"]
    return {f"clickstream/{day}.csv.gz": counts for day, counts in found.items()}, reasons


@pytest.fixture(scope="session")
def broken(simulated) -> Shop:
    """Every kind of bad row, late rows and repeated ones in a month of another world."""
    return simulated(
        world_of(
            timezone="Asia/Tokyo",
            late={"share": 0.03, "max_days": 4},
            duplicated={"share": 0.02, "max_days": 3},
            bad_rows={kind: 5 + n for n, kind in enumerate(KINDS_IN_DAILY_USE)},
        )
    )


def test_ingest_accepts_every_good_row_once_and_refuses_the_bad_ones_with_their_reason(broken):
    batches, reasons = taken_in(broken)
    wanted: Counter = Counter()
    for name, counts in broken.manifest["files"].items():
        bad = sum(counts["bad"].values())
        assert batches[name] == {
            "read": counts["rows"],
            "rejected": bad,
            "duplicate": counts["duplicated"],
            "accepted": counts["good"],
        }
        for kind, number in counts["bad"].items():
            wanted[name, KINDS[kind][0]] += number
    assert reasons == wanted
    assert sum(wanted.values()) == sum(broken.world.bad_rows.values())


def test_the_reader_finds_the_clickstream_columns(steady):
    path = next(iter(sorted((steady.out / "clickstream").iterdir())))
    block = next(read_delimited(path))
    expected = "event_time event_type product_id category_id category_code brand price user_id user_session"
    assert block.table.column_names == [*expected.split(), "country", "device", "channel"]
    assert not block.refusals
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", block.table.column("event_time")[0].as_py())
