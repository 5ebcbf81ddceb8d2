"""Random visits, and what session snapshots should say of them: loops over lists, no SQL."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from statistics import fmean
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
BROWSING = {"view", "cart", "remove_from_cart", "favourite", "search"}
LABELS = ("bought", "end_open")
STAFF, MAX_EVENTS, MAX_ORDERS = ("c3",), 2, 1


def day_of(stamp: datetime) -> date:
    return stamp.astimezone(ZONE).date()


def event(number: int, when: datetime, **given) -> dict:
    """Return an event of raw.events, a view of a product by c1 without a session unless said otherwise."""
    plain = {
        "event_id": f"e{number:05d}", "event_time": when.astimezone(UTC), "event_day": day_of(when), "customer_id": "c1",
        "session_id": None, "event_type": "view", "product_id": "milk", "order_id": None, "quantity": 1, "price": None,
        "discount": None, "category": None, "brand": None, "country": None, "device": None, "channel": None,
        "batch_date": day_of(when), "source": "web",
    }  # fmt: skip
    return {**plain, **given}


def random_events(seed: int, day: date, count: int = 600) -> list[dict]:
    """Return events of few customers and few session ids around a day: shared ids, ties, pauses of exactly 30 minutes."""
    rng = random.Random(seed)
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC)
    events = [
        event(90000 + n, midnight + timedelta(seconds=n), source=source, customer_id=f"first-{source}")
        for n, source in enumerate(("app", "web"))
    ]
    for number in range(count):
        visit = rng.randrange(36)
        begins = -60 + visit * 50  # minutes from midnight: an hour before it to five hours after the next
        far = rng.random() < 0.2  # history: days that sessions do not reach
        minutes = rng.randrange(-100 * 1440, -2 * 1440) if far else begins + rng.randrange(14) * 15
        when = midnight + timedelta(minutes=minutes, seconds=rng.choice((0, 0, 0, 0.000001, 700)))
        session = None if visit % 4 == 0 else f"s{visit}"
        types = ("view",) * 15 + (
            "cart",
            "cart",
            "remove_from_cart",
            "search",
            "favourite",
            "other",
            "return",
            "purchase",
            "purchase",
        )
        people = (f"c{visit % 3}",) * 12 + ("c3",)
        events.append(
            event(
                rng.randrange(10_000) * 10 + number % 10,
                when,
                customer_id=rng.choice((*people, *([None] * 4 if session else []))),
                session_id=session,
                event_type=rng.choice(types),
                product_id=rng.choice(("milk", "tea", "wine", None)),
                order_id=rng.choice(("o1", "o2", None)),
                quantity=rng.choice((1, 2, 0.5)),
                price=rng.choice((None, 2.5, 3, 19.99)),
                category=rng.choice(("dairy", "drinks", None)),
                country=rng.choice(("US", "CA", None)),
                device=rng.choice(("phone", "desk", None)),
                channel=rng.choice(("mail", "ads", None)),
                batch_date=day_of(when) + timedelta(days=rng.choice((0,) * 8 + (-1, 1, 2))),
                source=rng.choice(("app", "web", "web", "web")),
            )
        )
    for at in range(0, count, 9):  # a till: purchases only, never a session
        events.append(event(91000 + at, midnight + timedelta(minutes=at), source="till", event_type="purchase"))
    return list({(one["source"], one["event_id"]): one for one in events}.values())


def expected(events: list[dict], day: date, after_events: tuple[int, ...] = (1, 3, 5), silence: int = 30) -> list[dict]:
    """Return the rows of features.session_snapshot for a day."""
    one_day = timedelta(days=1)
    known = [e for e in events if e["batch_date"] <= day and day - one_day <= e["event_day"] <= day + one_day]
    visited = {e["source"] for e in known if e["event_day"] == day and e["event_type"] in BROWSING}
    by_time = sorted(known, key=lambda e: (e["event_time"], e["event_id"]))
    sessions = cut([e for e in by_time if e["source"] in visited], timedelta(minutes=silence))
    rows = []
    for (source, key), session in sessions.items():
        if session[0]["event_day"] != day:
            continue
        end = datetime(day.year, day.month, day.day, tzinfo=ZONE) + one_day  # wall clock: the next midnight
        open_end = session[-1]["event_time"] + timedelta(minutes=silence) >= end
        for k in after_events:
            so_far, later = session[:k], session[k:]
            if len(so_far) == k and all(e["event_type"] != "purchase" for e in so_far):
                who = last(e["customer_id"] for e in so_far)
                rows.append(
                    {"session_day": day, "source": source, "session_key": key, "after_events": k, "customer_id": who}
                    | seen(so_far)
                    | history(events, who, day)
                    | {"bought": any(e["event_type"] == "purchase" for e in later), "end_open": open_end}
                    | {"flagged": flagged(events, who, day)}
                )
    return sorted(rows, key=identity)


def identity(row: dict) -> tuple:
    return row["source"], row["session_key"], row["after_events"]


def cut(events: list[dict], silence: timedelta) -> dict[tuple[str, str], list[dict]]:
    """Return events, which come in the order of time, by (source, session key)."""
    sessions: dict[tuple[str, str], list[dict]] = defaultdict(list)
    named = defaultdict(list)
    quiet: dict[tuple[str, str], tuple[datetime, str]] = {}
    for one in events:
        if one["session_id"] is not None:
            named[one["source"], one["session_id"]].append(one)
            continue
        person = one["source"], one["customer_id"]
        before, key = quiet.get(person, (None, ""))
        if before is None or one["event_time"] - before > silence:
            key = f"{one['customer_id']}/{one['event_time']:%Y-%m-%dT%H:%M:%S.%fZ}"
        quiet[person] = one["event_time"], key
        sessions[one["source"], key].append(one)
    for (source, session_id), of_id in named.items():
        first = next((e["customer_id"] for e in of_id if e["customer_id"] is not None), None)
        now = first
        for one in of_id:
            now = one["customer_id"] or now
            sessions[source, session_id if now == first else f"{session_id}/{now}"].append(one)
    return sessions


def last(values) -> Any:
    given = [value for value in values if value is not None]
    return given[-1] if given else None


def seen(events: list[dict]) -> dict:
    """Return what a session shows by its events so far."""
    types = [e["event_type"] for e in events]
    prices = [float(e["price"]) for e in events if e["event_type"] == "view" and e["price"] is not None]
    times = [e["event_time"] for e in events]
    local = times[-1].astimezone(ZONE)
    return {
        "snapshot_at": times[-1],
        "views": types.count("view"),
        "carts": types.count("cart"),
        "cart_removals": types.count("remove_from_cart"),
        "searches": types.count("search"),
        "products": len({e["product_id"] for e in events} - {None}),
        "price_last": last(e["price"] for e in events if e["event_type"] in ("view", "cart")),
        "price_mean_seen": fmean(prices) if prices else None,
        "price_max_seen": max(prices, default=None),
        "cart_value": sum(e["quantity"] * (e["price"] or 0) for e in events if e["event_type"] == "cart"),
        "duration_seconds": (times[-1] - times[0]).total_seconds(),
        "seconds_since_last_event": (times[-1] - times[-2]).total_seconds() if len(times) > 1 else None,
        "hour": local.hour,
        "weekday": local.isoweekday(),
        **{name: last(e[name] for e in events) for name in ("country", "device", "channel")},
        "category": last(e["category"] for e in events if e["event_type"] == "view"),
    }


def history(events: list[dict], who: str | None, day: date) -> dict:
    """Return what was known of a customer when the day began."""
    past = [(e, (day - e["event_day"]).days) for e in past_of(events, who, day)]
    bought = [(e, ago) for e, ago in past if e["event_type"] == "purchase"]
    month = [e for e, ago in past if ago <= 28]
    counts = {
        "orders_90d": len({order_of(e) for e, _ in bought}),
        "revenue_90d": sum(e["quantity"] * (e["price"] or 0) for e, _ in bought),
        "sessions_28d": len({(slice_of(e), e["session_id"]) for e in month if e["session_id"]}),
        "views_28d": sum(e["event_type"] == "view" for e in month),
        "carts_28d": sum(e["event_type"] == "cart" for e in month),
    }
    return {
        "is_known_customer": bool(past),
        "days_since_purchase": min((ago for _, ago in bought), default=None),
        "days_since_event": min((ago for _, ago in past), default=None),
        **(counts if who else dict.fromkeys(counts)),
    }


def past_of(events: list[dict], who: str | None, day: date) -> list[dict]:
    """Return a customer's events of the 90 days before, as known when the day began."""
    return [
        e
        for e in events
        if who and e["customer_id"] == who and e["batch_date"] < day and 1 <= (day - e["event_day"]).days <= 90
    ]


def flagged(events: list[dict], who: str | None, day: date) -> str | None:
    """Return whether a customer is staff, or does more on one of the days before than people do."""
    if who in STAFF:
        return "staff"
    past = past_of(events, who, day)
    busiest = Counter(e["event_day"] for e in past).most_common(1)
    orders = {(e["event_day"], order_of(e)) for e in past if e["event_type"] == "purchase"}
    most = Counter(bought for bought, _ in orders).most_common(1)
    over = [n for _, n in busiest if n > MAX_EVENTS] + [n for _, n in most if n > MAX_ORDERS]
    return "bot" if over else None


def order_of(one: dict) -> tuple:
    """The rollup's rules: an order is its id, else its session, else its moment; all within a source, a batch and a day."""
    return slice_of(one), one["order_id"] or one["session_id"] or str(one["event_time"])


def slice_of(one: dict) -> tuple:
    return one["source"], one["batch_date"], one["event_day"]
