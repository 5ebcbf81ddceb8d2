"""The truth about a simulated shop: what was planted, and what came of it."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from customer_behavior.simulator.catalogue import Products
from customer_behavior.simulator.delivery import FileCounts
from customer_behavior.simulator.population import Customers
from customer_behavior.simulator.sessions import Day, Visits
from customer_behavior.simulator.treatment import ARMS, Campaign
from customer_behavior.simulator.world import DIMENSIONS, World

Key = tuple[str, ...]


@dataclass
class Tally:
    """Counts of customer days, sessions and orders under each condition that a world plants; bots are not in it."""

    world: World
    numbers: dict[Key, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    traffic: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    def _add(self, key: Key, what: str, count: int) -> None:
        self.numbers[key][what] += int(count)

    def day(self, customers: Customers, campaign: Campaign, day: Day) -> None:
        """Count the customers of a day under each condition."""
        active = customers.active(day.number) & ~customers.bot
        for segment in self.world.risky_segments:
            when = "after" if day.date >= segment.date else "before"
            members = customers.segments[segment.name]
            self._add(("segment", segment.name, "members", when), "customer_days", (active & members).sum())
            self._add(("segment", segment.name, "others", when), "customer_days", (active & ~members).sum())
        for key, under in self._contacted(campaign, day):
            self._add(key, "customer_days", (active & under).sum())

    def sessions(self, customers: Customers, campaign: Campaign, products: Products, day: Day, visits: Visits) -> None:
        """Count sessions and orders."""
        self._count(("all",), visits)
        when = "after" if self.world.shift and day.date >= self.world.shift.date else "before"
        for dimension in DIMENSIONS:
            size = len(self.world.values(dimension))
            seen = np.bincount(getattr(visits, dimension), minlength=size)
            known = self.traffic.setdefault(when, {})
            known[dimension] = known.get(dimension, np.zeros(size, np.int64)) + seen
        self._count(("shift", when), visits)
        for segment in self.world.risky_segments:
            when = "after" if day.date >= segment.date else "before"
            members = customers.segments[segment.name][visits.customer]
            self._count(("segment", segment.name, "members", when), visits, members)
            self._count(("segment", segment.name, "others", when), visits, ~members)
        for key, under in self._contacted(campaign, day):
            self._count(key, visits, under[visits.customer])
        if self.world.price_threshold:
            above = products.cents[visits.anchor] > round(self.world.price_threshold.price * 100)
            self._count(("price_threshold", "above"), visits, above)
            self._count(("price_threshold", "below"), visits, ~above)
        if self.world.peak_hours:
            peak = np.isin(visits.hour, self.world.peak_hours.hours)
            self._count(("peak_hours", "peak"), visits, peak)
            self._count(("peak_hours", "other"), visits, ~peak)

    def _count(self, key: Key, visits: Visits, which: np.ndarray | None = None) -> None:
        bought = visits.bought if which is None else visits.bought[which]
        self._add(key, "sessions", len(bought))
        self._add(key, "orders", bought.sum())

    def _contacted(self, campaign: Campaign, day: Day) -> list[tuple[Key, np.ndarray]]:
        if self.world.treatment is None:
            return []
        under = campaign.until >= day.number
        return [
            (("treatment", action, arm), under & (campaign.action == a) & (campaign.arm == b))
            for a, action in enumerate(self.world.treatment.actions)
            for b, arm in enumerate(ARMS)
        ]

    def rates(self, *key: str) -> dict[str, float]:
        """Return the counts under a condition and what follows: orders a session and, where known, a customer day."""
        counts: dict[str, int] = {
            name: self.numbers[key][name]
            for name in ("customer_days", "sessions", "orders")
            if name in self.numbers[key]
        }
        found: dict[str, float] = {**counts}
        if counts.get("sessions"):
            found["orders_per_session"] = round(counts["orders"] / counts["sessions"], 6)
        if counts.get("customer_days"):
            found["orders_per_customer_day"] = round(counts.get("orders", 0) / counts["customer_days"], 6)
        return found

    def mix(self, when: str) -> dict[str, dict[str, float]]:
        """Return the shares of the sessions by country, device and channel."""
        found = {}
        for dimension, counts in self.traffic.get(when, {}).items():
            total = max(int(counts.sum()), 1)
            values = self.world.values(dimension)
            found[dimension] = {value: round(int(n) / total, 6) for value, n in zip(values, counts, strict=True)}
        return found


def manifest(
    world: World,
    tally: Tally,
    customers: Customers,
    products: Products,
    events: dict[str, int],
    files: dict[str, FileCounts],
    contacts: dict[str, dict[str, int]],
) -> dict:
    """Return the truth as it is written beside the data."""
    content = world.model_dump(mode="json")
    if world.treatment and world.treatment.contacts:
        content["treatment"]["contacts"] = world.treatment.contacts.name
    people = int((~customers.bot).sum())
    bad: dict[str, int] = defaultdict(int)
    for counts in files.values():
        for kind, count in counts.bad.items():
            bad[kind] += count
    listed = {name: counts.as_dict() for name, counts in files.items()}
    totals = {
        name: sum(one[name] for one in listed.values()) for name in ("rows", "good", "on_time", "late", "duplicated")
    }
    totals["identical_lines"] = sum(counts.identical_lines for counts in files.values())
    return {
        "world": content,
        "last_day": world.last_day.isoformat(),
        "totals": {**totals, "bad": dict(sorted(bad.items())), "events": events},
        "customers": {"people": people, "bots": int(customers.bot.sum())},
        "products": len(products),
        "measured": {
            "all": tally.rates("all"),
            "price_threshold": _pair(tally, bool(world.price_threshold), "price_threshold", "below", "above"),
            "peak_hours": _pair(tally, bool(world.peak_hours), "peak_hours", "other", "peak"),
            "mix": {when: tally.mix(when) for when in ("before", "after") if when in tally.traffic},
            "shift": _pair(tally, bool(world.shift), "shift", "before", "after"),
            "risky_segments": {
                segment.name: {
                    "customers": int(customers.segments[segment.name].sum()),
                    "share": round(int(customers.segments[segment.name].sum()) / max(people, 1), 6),
                    **_segment(tally, segment.name),
                }
                for segment in world.risky_segments
            },
            "treatment": {
                action: {arm: tally.rates("treatment", action, arm) for arm in ARMS}
                for action in (world.treatment.actions if world.treatment else ())
            },
        },
        "files": listed,
        "contacts": contacts,
    }


def _pair(tally: Tally, planted: bool, name: str, one: str, other: str) -> dict | None:
    return {one: tally.rates(name, one), other: tally.rates(name, other)} if planted else None


def _segment(tally: Tally, name: str) -> dict:
    """Return what a segment bought before and after, beside all others, and by how much it changed relative to them."""
    found = {
        group: {when: tally.rates("segment", name, group, when) for when in ("before", "after")}
        for group in ("members", "others")
    }

    def change(group: str, rate: str) -> float | None:
        before, after = (found[group][when].get(rate) for when in ("before", "after"))
        return after / before if before and after is not None else None

    changes = {}
    for rate in ("orders_per_session", "orders_per_customer_day"):
        members, others = change("members", rate), change("others", rate)
        changes[f"change_in_{rate}"] = round(members, 4) if members is not None else None
        changes[f"change_in_{rate}_beside_others"] = (
            round(members / others, 4) if members is not None and others else None
        )
    return {**found, **changes}
