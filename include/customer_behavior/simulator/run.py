"""Simulating a world: day by day, in blocks of about half a million rows, one daily file at a time."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from customer_behavior.errors import BadInputError
from customer_behavior.simulator import bad_rows, dimensions
from customer_behavior.simulator.catalogue import draw_products
from customer_behavior.simulator.delivery import ON_TIME, FileCounts, Post, broken
from customer_behavior.simulator.files import FileWriter, WholeFile, write_whole
from customer_behavior.simulator.lines import HEADER, content, lines_of, tails
from customer_behavior.simulator.manifest import Tally, manifest
from customer_behavior.simulator.population import draw_customers
from customer_behavior.simulator.scale import scaled
from customer_behavior.simulator.sessions import (
    PURCHASE,
    RETURN,
    TYPES,
    Day,
    Rows,
    Visits,
    bot_blocks,
    draw_rows,
    draw_visits,
    visitors,
)
from customer_behavior.simulator.treatment import Campaign
from customer_behavior.simulator.world import DIMENSIONS, World

FOLDER = "clickstream"
MANIFEST = "manifest.json"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Simulated:
    """What a run wrote."""

    days: int
    rows: int
    manifest: Path


def simulate(
    world: World, out: Path, *, events: int | None = None, customers: int | None = None, compress: bool = True
) -> Simulated:
    """Write a world's files below `out`; the same world and seed write the same bytes.

    Parameters
    ----------
    events : int, optional
        About how many events there are to be. The number of customers follows, or, when that is given, the visits of each.
    customers : int, optional
        The number of customers at the start, in place of the world's.
    compress : bool
        Write .csv.gz, or .csv.

    Raises
    ------
    ConfigurationError
        When a plant does not hold, such as a risky segment with too few customers.
    BadInputError
        When `out` holds daily files that this run would not replace, or a file of contacts cannot be read.
    """
    world, visit_factor = scaled(world, events, customers)
    run = _Run(world, out, visit_factor, ".csv.gz" if compress else ".csv")
    return run.all_days()


class _Run:
    def __init__(self, world: World, out: Path, visit_factor: float, suffix: str) -> None:
        self.world, self.out, self.suffix = world, out, suffix
        self.days = [Day.of(world, number) for number in range(world.days)]
        self.products = draw_products(world.catalogue, self.world.rng("products"))
        self.customers = draw_customers(world, self.products, self.world.rng("customers"))
        self.customers.visits *= visit_factor
        self.customers.assign_segments(world)
        self.campaign = Campaign.of(world, self.customers)
        self.ids = self.customers.ids()
        self.names = {name: pa.array(world.values(name), pa.string()) for name in DIMENSIONS}
        self.planned = bad_rows.plan(world.bad_rows, world.days, self.world.rng("bad rows"))
        self.tally = Tally(world)
        self.post = Post(world)
        self.counts: dict[str, FileCounts] = {}
        self.contacts: dict[str, dict[str, int]] = {}
        self.next_session = 0
        self.day_ends = np.array([day.end for day in self.days])

    def all_days(self) -> Simulated:
        self._check_folder()
        (self.out / MANIFEST).unlink(missing_ok=True)
        with FileWriter() as writer:
            for day in self.days:
                changed = self._begin(day)
                self._events(day, writer)
                self._dimensions(day, changed, writer)
        events = dict(zip(TYPES, self.post.events.tolist(), strict=True))
        write_whole(self.out / "truth" / "customers.csv", dimensions.truth_file(self.world, self.customers, self.ids))
        found = manifest(self.world, self.tally, self.customers, self.products, events, self.counts, self.contacts)
        write_whole(self.out / MANIFEST, (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode())
        log.info("%d rows in %d files below %s", found["totals"]["rows"], len(self.counts), self.out)
        return Simulated(len(self.days), found["totals"]["rows"], self.out / MANIFEST)

    def _check_folder(self) -> None:
        ours = {f"{day.date}{self.suffix}" for day in self.days}
        folder = self.out / FOLDER
        others = sorted(path.name for path in folder.glob("[!.]*") if path.name not in ours)
        if others:
            raise BadInputError(
                f"{folder} holds {len(others)} files that this world does not write, such as {others[0]}; "
                "empty the folder, or name another one with --out"
            )

    def _begin(self, day: Day) -> np.ndarray:
        """Let the night's changes happen; return the products that changed."""
        shift = self.world.shift
        changed = self.products.reprice(self.world.catalogue.price_changes, self.world.rng("prices", day.number))
        if shift and day.date == shift.date:
            self.products.multiply_prices(shift.prices)
            self.customers.switch(self.world, day.number, self.world.rng("shift"))
            self.customers.assign_segments(self.world)
            changed = np.arange(len(self.products))
        return np.arange(len(self.products)) if day.number == 0 else changed

    def _factors(self, day: Day) -> np.ndarray:
        factors = self.customers.propensity * self.campaign.lift(self.customers, day.number)
        for segment in self.world.risky_segments:
            if day.date >= segment.date:
                factors = np.where(self.customers.segments[segment.name], factors * segment.factor, factors)
        return factors

    def _blocks(self, day: Day) -> Iterator[tuple[Visits, Rows]]:
        rng, factors = self.world.rng("sessions", day.number), self._factors(day)
        for who in visitors(self.world, self.customers, day, rng):
            visits = draw_visits(self.world, self.customers, self.products, day, who, factors, rng)
            rows = draw_rows(self.world, self.products, visits, rng)
            seen = visits
            if day.number == self.world.days - 1:
                unseen = rows.session[(rows.kind == PURCHASE) & (rows.time >= day.end)]
                seen = visits.take(np.arange(len(visits)))
                seen.bought[unseen] = False
            self.tally.sessions(self.customers, self.campaign, self.products, day, seen)
            yield visits, rows
        yield from bot_blocks(self.world, self.customers, self.products, day)

    def _events(self, day: Day, writer: FileWriter) -> None:
        rng, returning = self.world.rng("delivery", day.number), self.world.rng("returns", day.number)
        name = f"{FOLDER}/{day.date}{self.suffix}"
        counts = self.counts[name] = FileCounts()
        file = WholeFile(self.out / name)
        writer.submit(file.write, [HEADER])
        for kind, lines in self.post.due(day.number):
            counts.add(kind, len(lines))
            writer.submit(file.write, [content(lines)])
        self.tally.day(self.customers, self.campaign, day)
        text = self.products.text()
        bad = self.planned[day.number]
        for visits, rows in self._blocks(day):
            tail = tails(visits, self.next_session, self.ids, self.names)
            self.next_session += len(visits)
            lines = self.post.sort_out(rows, lines_of(rows, text, tail), day, counts, rng)
            writer.submit(file.write, broken(lines, bad, counts, rng))
            bad = [] if len(lines) else bad
            self._send_returns(visits, rows, text, returning)
        if bad:
            raise BadInputError(
                f"{day.date}: nobody came, so there is no row to break for bad_rows; add customers or days"
            )
        writer.submit(file.finish)

    def _send_returns(self, visits: Visits, rows: Rows, text: pa.Array, rng: np.random.Generator) -> None:
        """Send some of what was bought back, a day later or more, at its price, in a session of its own."""
        model = self.world.sessions
        back = np.flatnonzero((rows.kind == PURCHASE) & (rng.random(len(rows)) < model.returns))
        time = rows.time[back] + 86_400 + rng.integers(0, model.return_days * 86_400, len(back))
        due = np.searchsorted(self.day_ends, time, side="right")
        kept = due < self.world.days
        back, time, due = back[kept], time[kept], due[kept]
        if not len(back):
            return
        tail = tails(visits.take(rows.session[back]), self.next_session, self.ids, self.names)
        self.next_session += len(back)
        returned = Rows(time, np.full(len(back), RETURN, np.int8), rows.product[back], np.arange(len(back)))
        lines = lines_of(returned, text, tail)
        for number in np.unique(due):
            self.post.send(int(number), ON_TIME, lines.filter(pa.array(due == number)))
        self.post.count_returns(len(back))

    def _dimensions(self, day: Day, changed: np.ndarray, writer: FileWriter) -> None:
        world, customers, rng = self.world, self.customers, self.world.rng("dimensions", day.number)
        if world.treatment:
            made = self.campaign.contact(customers, day.number, day.date, rng)
            name = f"contacts/{day.date}.csv"
            arms = np.bincount(made.arm, minlength=2).tolist()
            self.contacts[name] = {"treated": arms[0], "holdout": arms[1]}
            writer.submit(write_whole, self.out / name, dimensions.contacts_file(world, made, self.ids, day))
        if not world.dimensions:
            return
        flipped = np.flatnonzero(
            (customers.joined < day.number) & (rng.random(len(customers)) < world.customers.consent_changes)
        )
        customers.consent[flipped] ^= True
        new = np.flatnonzero(customers.joined <= 0 if day.number == 0 else customers.joined == day.number)
        known = np.union1d(flipped, new)
        content_of_customers = dimensions.customers_file(world, customers, self.ids, known)
        writer.submit(
            write_whole, self.out / "products" / f"{day.date}.csv", dimensions.products_file(self.products, changed)
        )
        writer.submit(write_whole, self.out / "customers" / f"{day.date}.csv", content_of_customers)
