"""A snapshot holds what was known at its date: nothing later changes it, whenever and in whatever order it is made."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml

from customer_behavior.features import snapshot
from customer_behavior.settings import load_settings
from customer_behavior.stages.ingest_events import load_delivery
from customer_behavior.warehouse import Warehouse
from features import oracle, random_shop

ONE_DAY = timedelta(days=1)
# Around firsts of a month and the days on which a checkpoint comes into use, and one a month.
NIGHTS = [
    date(2023, 11, 6),
    date(2023, 12, 1),
    date(2024, 1, 9),
    date(2024, 1, 10),
    date(2024, 2, 1),
    date(2024, 2, 11),
]
END = random_shop.LAST + ONE_DAY
SEED = 13
SNAPSHOT = "SELECT * FROM features.customer_snapshot WHERE as_of_date = '{}' ORDER BY customer_id COLLATE \"C\""


@pytest.fixture
def landing(tmp_path, monkeypatch):
    for name, value in random_shop.configure(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path / "landing"


def copied(warehouse: Warehouse, as_of: date) -> bytes:
    """Return the snapshot as COPY writes it."""
    with warehouse.begin("score") as connection:
        text = io.BytesIO()
        connection.connection.cursor().copy_expert(f"COPY ({SNAPSHOT.format(as_of)}) TO STDOUT", text)
    assert text.getvalue()
    return text.getvalue()


def built(warehouse: Warehouse, as_of: date, **options) -> bytes:
    snapshot.build(warehouse, load_settings(), as_of, **options)
    return copied(warehouse, as_of)


def live(warehouse: Warehouse, until: date = END) -> dict[date, bytes]:
    """Load night by night, or rather up to each date of NIGHTS, and build its snapshot with nothing later there."""
    first, taken = random_shop.FIRST, {}
    for night in (*[night for night in NIGHTS if night < until], until):
        random_shop.load(warehouse, first, night - ONE_DAY)
        taken[night], first = built(warehouse, night), night
    return taken


def checkpoints(warehouse: Warehouse) -> list[date]:
    with warehouse.begin() as connection:
        return list(
            connection.exec_driver_sql(
                "SELECT checkpoint_date FROM features.checkpoints ORDER BY built_at, checkpoint_date"
            ).scalars()
        )


@pytest.fixture
def another(copy_of) -> Iterator[Callable[[], Warehouse]]:
    """Make further empty warehouses."""
    with ExitStack() as made:
        yield lambda: made.enter_context(copy_of("migrated"))


@pytest.fixture(scope="module")
def loaded_once(copy_of, keep_as, tmp_path_factory) -> str:
    """The shop of SEED, loaded whole."""
    with copy_of("migrated") as warehouse, of_the_module(tmp_path_factory.mktemp("loaded")):
        random_shop.load(warehouse, random_shop.FIRST, random_shop.LAST)
        return keep_as(warehouse)


@pytest.fixture(scope="module")
def lived_through(copy_of, keep_as, tmp_path_factory) -> tuple[str, dict[date, bytes]]:
    """The shop of SEED, loaded and built night by night, and its snapshots."""
    with copy_of("migrated") as warehouse, of_the_module(tmp_path_factory.mktemp("lived")):
        taken = live(warehouse)
        return keep_as(warehouse), taken


@contextmanager
def of_the_module(folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in random_shop.configure(folder).items():
            patch.setenv(name, value)
        random_shop.land(folder / "landing", random_shop.draw(SEED))
        yield


@pytest.fixture
def loaded(loaded_once, copy_of, landing) -> Iterator[Warehouse]:
    random_shop.land(landing, random_shop.draw(SEED))
    with copy_of(loaded_once) as warehouse:
        yield warehouse


@pytest.fixture
def lived(lived_through, copy_of, landing) -> Iterator[tuple[Warehouse, dict[date, bytes]]]:
    random_shop.land(landing, random_shop.draw(SEED))
    with copy_of(lived_through[0]) as warehouse:
        yield warehouse, lived_through[1]


def loud(night: date) -> list[dict[str, object]]:
    """Lines for everybody, known and new, of the days around `night`, that would show in every column."""
    lines: list[dict[str, object]] = []
    for number in range(16):
        for day in (night - 5 * ONE_DAY, night - ONE_DAY, night):
            for kind in ("purchase", "view", "cart", "search", "favourite", "remove_from_cart", "return"):
                lines.append(
                    dict.fromkeys(random_shop.HEADER, "zz")
                    | {"id": f"{night}{day}{kind}{number}", "time": f"{day} 12:00:0{len(lines) % 10}", "type": kind}
                    | {"customer": f"c{number:02d}", "session": f"loud {day}", "units": 9, "price": 9999, "off": 99}
                )
    return lines


@pytest.mark.parametrize("seed", [11, 12])
def test_what_happens_or_is_delivered_later_changes_nothing(warehouse, landing, seed):
    batches = random_shop.draw(seed)
    for night in NIGHTS:
        batches["web", night] = batches["web", night] + loud(night)
    random_shop.land(landing, batches)
    taken = live(warehouse)
    assert {night: built(warehouse, night) for night in taken} == taken
    # It would have shown: a night later it is known, and every customer has another row.
    random_shop.load(warehouse, END, END)
    assert all(taken[night] != built(warehouse, night + ONE_DAY) for night in NIGHTS)


def test_a_backfill_makes_what_the_night_itself_made(lived, another):
    warehouse, taken = lived
    random_shop.load(warehouse, END, END + 30 * ONE_DAY)
    orders = [sorted(taken, reverse=True), shuffled(sorted(taken), 13)]
    made = [checkpoints(warehouse)]
    for order in orders:
        other, middle = another(), random_shop.LAST - 60 * ONE_DAY
        random_shop.load(other, middle, END + 30 * ONE_DAY)  # what came last first
        random_shop.load(other, random_shop.FIRST, middle - ONE_DAY)
        assert {night: built(other, night, role="train") for night in order} == taken
        made.append(checkpoints(other))
    assert len(made[0]) >= 3
    assert made[0] != made[1] != made[2] != made[0], "checkpoints were to be made in other orders"


def shuffled(nights: list[date], seed: int) -> list[date]:
    return [nights[index] for index in np.random.default_rng(seed).permutation(len(nights))]


def test_building_again_makes_the_same(loaded):
    for night in (NIGHTS[2], END):
        first = built(loaded, night)
        assert built(loaded, night) == built(loaded, night, only_if_missing=True) == first


@pytest.mark.parametrize("change", ["other", "more", "none"])
def test_an_old_batch_loaded_again_with_other_rows_is_in_what_is_built_later(lived, landing, change):
    warehouse, before = lived
    batches = random_shop.draw(SEED)
    assert checkpoints(warehouse)
    day = date(2023, 11, 20)
    drawn = random_shop.draw(SEED + 100)
    lines = {"other": drawn["web", day], "more": [*batches["web", day], *loud(day)], "none": []}[change]
    random_shop.land(landing, {("web", day): lines})
    random_shop.load(warehouse, day, day)
    events = random_shop.events(warehouse)
    for night, wanted in random_shop.expected(events, sorted(before, reverse=True)).items():
        after = built(warehouse, night, only_if_missing=True)
        assert oracle.differences(random_shop.taken(warehouse, night), wanted) == [], night
        if night <= day:
            assert after == before[night], night
        elif change == "more":
            assert after != before[night], night


@pytest.fixture
def deliver(loaded, landing, tmp_path, monkeypatch) -> Callable[[date, str], None]:
    """Deliver two dimensions on a day: customers, who all live in a country, and products."""
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_DIMENSIONS", str(tmp_path))
    columns = {name: name for name in ("customer_id", "country")}
    for name, kind, mapped in (("people", "customers", columns), ("goods", "products", {"product_id": "customer_id"})):
        file = {"description": "Tests' own", "kind": kind, "path": f"{name}/{{date}}.csv", "columns": mapped}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({**file, "reject_limit": 0.5}))

    def deliver(day: date, country: str) -> None:
        for name in ("people", "goods"):
            path = landing / name / f"{day}.csv"
            path.parent.mkdir(exist_ok=True)
            path.write_text("customer_id,country\n" + "".join(f"c{n:02d},{country}\np{n},\n" for n in range(16)))
            assert load_delivery(loaded, name, day)["rows_accepted"] == 32

    return deliver


def test_a_dimension_edited_later_changes_nothing(loaded, deliver):
    deliver(END - 40 * ONE_DAY, "FR")
    before = built(loaded, END)
    for day in (END, END + ONE_DAY):
        deliver(day, "JP")
        assert built(loaded, END) == before


def test_a_dimension_delivered_for_a_past_day_makes_nothing_stale(loaded, deliver):
    before = built(loaded, END)
    assert checkpoints(loaded)
    written = writes(loaded)
    for country in ("FR", "JP"):
        deliver(random_shop.FIRST + ONE_DAY, country)
        assert built(loaded, END, only_if_missing=True) == before
    assert writes(loaded) == written
    assert built(loaded, END) == before
    assert writes(loaded) == [*written, ("features.customer_snapshot", str(END))]  # no checkpoint was made anew
    random_shop.load(loaded, random_shop.FIRST + ONE_DAY, random_shop.FIRST + ONE_DAY)  # a batch of events does
    assert built(loaded, END, only_if_missing=True) == before
    assert [table for table, _ in writes(loaded)[-2:]] == [
        "features.customer_checkpoint",
        "features.customer_snapshot",
    ]


def writes(warehouse: Warehouse) -> list[tuple[str, str]]:
    """Return the (table, slice) of every write of a snapshot or a checkpoint, in order."""
    with warehouse.begin() as connection:
        found = connection.exec_driver_sql(
            "SELECT table_name, slice FROM monitoring.write_audit"
            " WHERE table_name IN ('features.customer_snapshot', 'features.customer_checkpoint') ORDER BY audit_id"
        )
        return [tuple(row) for row in found]
