"""The visits that insights stand on: against a loop over lists, and from a simulated shop's files to the sentence."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import pandas as pd
import pytest
import yaml

from customer_behavior.insights import find_peaks, find_threshold
from customer_behavior.insights.visits import MAX_EVENTS, clock, read_visits
from customer_behavior.paths import INCLUDE_DIR
from customer_behavior.settings import load_settings
from customer_behavior.stages import publish_marketing, recommend
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.warehouse import copy_frame, ensure_partitions
from insights.worlds import cells, hours, visits_of, world
from support import small_shop
from support.mornings import query, write_model, write_scores, write_snapshot
from support.visits import BROWSING, ZONE, cut, event, random_events

DAY = date(2024, 3, 5)
AS_OF = DAY + timedelta(days=10)


def load(warehouse, events: list[dict]) -> None:
    with warehouse.begin() as connection:
        for day in {one["event_day"] for one in events}:
            ensure_partitions(connection, "raw.events", day, day)
        copy_frame(connection, "raw.events", pd.DataFrame(events, dtype=object))


def read(warehouse, as_of: date = AS_OF):
    with warehouse.begin("score") as connection:
        return read_visits(connection, load_settings(), as_of)


def table(frame: pd.DataFrame, kind: str, *columns: str) -> dict:
    """Return visits and purchases by some columns of one kind of cluster."""
    of_kind = frame[frame["clusters"] == kind]
    summed = of_kind.groupby(list(columns))[["visits", "purchases"]].sum()
    return {key: tuple(row) for key, row in zip(summed.index, summed.to_numpy().tolist(), strict=True)}


def expected(events: list[dict], as_of: date) -> list[dict]:
    """Return the visits, each with day, hour, price and whether it bought."""
    first = as_of - timedelta(days=90)
    known = [e for e in events if first <= e["event_day"] < as_of and e["batch_date"] < as_of]
    shown = {e["source"] for e in known if e["event_type"] in BROWSING}
    ordered = sorted(
        (e for e in known if e["source"] in shown and (e["session_id"] or e["customer_id"])),
        key=lambda e: (e["event_time"], e["event_id"]),
    )
    ids = defaultdict(list)
    visits = []
    for one in ordered:
        ids[one["source"], one["session_id"]].append(one)
    silent = [one for one in ordered if one["session_id"] is None]
    groups = list(cut(silent, timedelta(minutes=30)).values())
    for (_, session), of_id in ids.items():
        if session is not None:
            named = [(e["event_time"], e["customer_id"]) for e in of_id if e["customer_id"]]
            first_known = min(named)[1] if named else None
            split = defaultdict(list)
            for one in of_id:
                split[one["customer_id"] or first_known].append(one)
            groups += split.values()
    for group in groups:
        if len(group) > MAX_EVENTS or not any(e["event_type"] in BROWSING for e in group):
            continue
        views = [e for e in group if e["event_type"] == "view" and e["product_id"]]
        counts = defaultdict(list)
        for view in views:
            counts[view["product_id"]].append(view)
        # Views of one product by nobody and by a named customer, in one visit, are counted apart.
        price = None
        if counts:
            best = min(counts, key=lambda p: (-len(counts[p]), counts[p][0]["event_time"], p))
            price = min((float(v["price"]) for v in counts[best] if v["price"] is not None), default=None)
        local = min(e["event_time"] for e in group).astimezone(ZONE)
        bought = any(e["event_type"] == "purchase" for e in group)
        visits.append({"day": (local.date() - first).days, "hour": local.hour, "price": price, "bought": bought})
    return visits


@pytest.mark.parametrize("seed", range(5))
def test_visits_are_those_of_a_loop_over_the_events(warehouse, tmp_path, monkeypatch, seed):
    for name, value in small_shop.configure(tmp_path).items():
        monkeypatch.setenv(name, value)
    events = random_events(seed, DAY)
    if seed % 2:  # as well: everybody named, so that products are counted in one piece
        events = [{**one, "customer_id": one["customer_id"] or "c9"} for one in events]
    load(warehouse, events)
    as_of = DAY + timedelta(days=1 + seed)
    visits, wanted = read(warehouse, as_of), expected(events, as_of)
    by_hour: defaultdict[tuple[date, int], list[int]] = defaultdict(lambda: [0, 0])
    for one in wanted:
        by_hour[one["day"], one["hour"]][0] += 1
        by_hour[one["day"], one["hour"]][1] += one["bought"]
    assert len(wanted) > 50
    assert table(visits.hours, "day", "cluster", "hour") == {key: tuple(value) for key, value in by_hour.items()}
    assert table(visits.hours, "customer", "hour") == table(visits.hours, "day", "hour")
    priced = [one for one in wanted if one["price"] is not None]
    by_price: defaultdict[float, list[int]] = defaultdict(lambda: [0, 0])
    for one in priced:
        by_price[one["price"]][0] += 1
        by_price[one["price"]][1] += one["bought"]
    if seed % 2:
        for kind in ("product", "customer"):
            assert table(visits.prices, kind, "lowest") == {key: tuple(value) for key, value in by_price.items()}


def use(folder, monkeypatch, **shop_settings) -> None:
    """Make the simulated shop of a folder the one that is configured."""
    config = folder / "config"
    config.mkdir(exist_ok=True)
    for path in (INCLUDE_DIR / "config").glob("*.yaml"):
        (config / path.name).write_text(path.read_text())
    shop = yaml.safe_load((config / "shop.yaml").read_text())
    own = {"sources": ["clickstream"], "currency": "EUR", "timezone": "Europe/Berlin", **shop_settings}
    (config / "shop.yaml").write_text(yaml.safe_dump({**shop, **own}))
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_CONFIG", str(config))
    monkeypatch.setenv("LANDING_DIR", str(folder))


PLANTED = {
    "price_threshold": {"price": 79.90, "factor": 0.3},
    "peak_hours": {"hours": [18, 19, 20], "traffic": 2.5, "conversion": 1.5},
}


def insights_of(warehouse, as_of: date) -> dict[str, dict]:
    """Publish a date with two scored customers; return its insights."""
    write_model(warehouse)
    write_snapshot(warehouse, as_of, {"ann": {}, "bob": {}})
    write_scores(warehouse, as_of, {"ann": 0.5, "bob": 0.4})
    recommend.products(warehouse, as_of)
    recommend.actions(warehouse, as_of)
    publish_marketing.publish(warehouse, as_of)
    return {row["insight"]: row for row in query(warehouse, "SELECT * FROM marketing.insights")}


@pytest.mark.parametrize("planted", [True, False])
def test_from_files_to_sentences(warehouse, tmp_path, monkeypatch, planted):
    shop = world(3, 2_000, 60, sessions={"conversion": 0.12}, **(PLANTED if planted else {}))
    simulated = visits_of(shop, tmp_path)
    use(tmp_path, monkeypatch)
    last = shop.first_day + timedelta(days=59)
    ingest(warehouse, "clickstream", shop.first_day, last)
    as_of = last + timedelta(days=1)
    found = insights_of(warehouse, as_of)
    price, peaks = found["price_threshold"], found["peak_hours"]
    assert price["details"]["visits"] == peaks["details"]["visits"] == len(simulated)
    assert price["details"]["purchases"] == simulated["bought"].sum()
    assert (
        peaks["details"]["visits_by_hour"] == simulated.groupby("hour").size().reindex(range(24), fill_value=0).tolist()
    )
    count = f"{len(simulated):,} visits of 60 days"
    if not planted:
        assert price["statement"] == f"No price threshold was found in {count}"
        assert peaks["statement"] == f"No peak hours were found in {count}"
        return
    threshold = price["details"]["threshold"]
    assert threshold["price"] == pytest.approx(79.90, rel=0.05)
    assert threshold["low"] <= 79.90 <= threshold["high"]
    assert threshold["factor_low"] <= 0.3 <= threshold["factor_high"]
    assert price["statement"] == (
        f"Above {threshold['price']:.2f} EUR a visit ends in a purchase {threshold['factor']:.2f} times as often "
        f"({threshold['factor_low']:.2f} to {threshold['factor_high']:.2f}); the limit lies between {threshold['low']:.2f} and "
        f"{threshold['high']:.2f} EUR (95 %, {count})"
    )
    for effect, factor in (("traffic", 2.5), ("conversion", 1.5)):
        assert peaks["details"][effect]["hours"] == [18, 19, 20]
        assert peaks["details"][effect]["low"] <= factor <= peaks["details"][effect]["high"]
    assert peaks["statement"].startswith("Between 18:00 and 21:00 there are 2.")
    assert "; between 18:00 and 21:00 a visit ends in a purchase 1." in peaks["statement"]
    assert peaks["statement"].endswith(f"as often (Europe/Berlin; 95 %, {count})")


def test_the_same_cells_as_without_sql(warehouse, tmp_path, monkeypatch):
    shop = world(5, 300, 20)
    simulated = visits_of(shop, tmp_path)
    use(tmp_path, monkeypatch)
    ingest(warehouse, "clickstream", shop.first_day, shop.first_day + timedelta(days=19))
    visits = read(warehouse, shop.first_day + timedelta(days=20))
    assert visits.days == 20
    for kind in ("product", "customer"):
        assert table(visits.prices, kind, "cell") == table(cells(simulated), kind, "cell")
    assert table(visits.hours, "customer", "hour") == table(hours(simulated), "customer", "hour")
    for frame in (visits.prices, visits.hours):  # many clusters, and none of them most of the visits
        by_cluster = frame[frame["clusters"] == "customer"].groupby("cluster")["visits"].sum()
        assert 55 <= len(by_cluster) <= 64
        assert by_cluster.max() < by_cluster.sum() / 10


def visit(session: str, clock_time: str, bought: bool = False, **given) -> list[dict]:
    """Return a visit of DAY: a view, and a purchase a minute later."""
    when = pd.Timestamp(f"{given.pop('day', DAY)} {clock_time}", tz=ZONE).to_pydatetime()
    number = int.from_bytes(f"{session}{clock_time}".encode()) % 10**12
    found = [event(number, when, session_id=session, **given)]
    if bought:
        found.append(
            event(number + 1, when + timedelta(minutes=1), session_id=session, **{**given, "event_type": "purchase"})
        )
    return found


def test_what_is_no_visit_and_what_is_not_known_is_left_out(warehouse, tmp_path, monkeypatch):
    for name, value in small_shop.configure(tmp_path).items():
        monkeypatch.setenv(name, value)
    config = tmp_path / "config" / "shop.yaml"
    config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), "staff": ["tester"]}))
    machine = [one for minute in range(51) for one in visit("m", f"03:{minute:02d}", price=9)]
    longest = [one for minute in range(50) for one in visit("long", f"05:{minute:02d}", price=9)]
    load(
        warehouse,
        [
            *visit("s", "10:00", True, price=9),
            *visit("back", "11:00", price=9, event_type="return"),
            *visit("staff", "12:00", price=9, customer_id="tester"),
            *visit("late", "13:00", price=9, batch_date=AS_OF),
            *visit("today", "14:00", price=9, day=AS_OF),
            *visit("old", "15:00", price=9, day=AS_OF - timedelta(days=91)),
            *visit("till", "16:00", True, price=9, source="till", event_type="purchase"),
            *machine,
            *longest,
        ],
    )
    visits = read(warehouse)
    assert table(visits.hours, "day", "hour") == {5: (1, 0), 10: (1, 1)}


def test_the_product_is_the_one_seen_most_at_its_price_whatever_was_bought(warehouse, tmp_path, monkeypatch):
    for name, value in small_shop.configure(tmp_path).items():
        monkeypatch.setenv(name, value)
    load(
        warehouse,
        [
            *visit("s", "10:00", product_id="cheap", price=5),
            *visit("s", "10:01", product_id="dear", price=80),
            *visit("s", "10:02", product_id="dear", price=80),
            *visit("s", "10:03", product_id="cheap", price=5, event_type="purchase"),
            *visit("s", "10:04", product_id="cheap", price=5, event_type="cart"),
            *visit("tie", "11:00", product_id="z", price=7),
            *visit("tie", "11:01", product_id="a", price=70),
            *visit("unpriced", "12:00"),
        ],
    )
    assert table(read(warehouse).prices, "product", "lowest") == {7.0: (1, 0), 80.0: (1, 1)}


def test_a_shop_without_visits_has_peak_hours_of_orders_and_no_threshold(warehouse, tmp_path, monkeypatch):
    environment = small_shop.configure(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    lines = small_shop.land_history(tmp_path / "landing", 60)
    first, last = small_shop.FIRST_DAY, small_shop.FIRST_DAY + timedelta(days=59)
    ingest(warehouse, small_shop.SOURCE, first, last)
    assert lines > 500
    found = insights_of(warehouse, last + timedelta(days=1))
    assert found["price_threshold"]["statement"] == (
        "No price threshold was found: the source shows no visits that end without a purchase"
    )
    orders = query(warehouse, "SELECT count(DISTINCT order_id) AS n FROM raw.events WHERE event_type = 'purchase'")[0][
        "n"
    ]
    assert found["peak_hours"]["details"]["of"] == "orders"
    assert found["peak_hours"]["details"]["visits"] == orders
    assert f"{orders:,} orders of 60 days" in found["peak_hours"]["statement"]


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ([9], "9:00 and 10:00"),
        ([18, 19, 20], "18:00 and 21:00"),
        ([0, 23], "23:00 and 1:00"),
        ([0, 12, 13, 23], "12:00 and 14:00, 23:00 and 1:00"),
        ([22, 23], "22:00 and 0:00"),
    ],
)
def test_hours_are_said_as_stretches_of_the_clock(named, said):
    assert clock(named) == said


def test_a_shop_that_sees_nothing_says_so(warehouse):
    visits = read(warehouse)
    assert (visits.what, visits.days) == ("orders", 0)
    assert find_peaks(visits.hours).traffic_reason == "too few days to say: 0, and 7 are needed"
    assert find_threshold(visits.prices).reason == "no visit shows a price"
