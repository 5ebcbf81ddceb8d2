"""Which file each row comes in: on time, late, twice, or broken."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from customer_behavior.simulator.bad_rows import break_line
from customer_behavior.simulator.lines import content, with_inserted
from customer_behavior.simulator.plants import Delivery
from customer_behavior.simulator.sessions import PURCHASE, TYPES, Day, Rows
from customer_behavior.simulator.world import World

ON_TIME, LATE, DUPLICATED = "on_time", "late", "duplicated"


@dataclass
class FileCounts:
    """What is in a day's file, header apart: `rows` is the sum of the others, `identical_lines` being part of `on_time`."""

    on_time: int = 0
    late: int = 0
    duplicated: int = 0
    identical_lines: int = 0
    bad: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, count: int) -> None:
        """Count rows of a kind."""
        setattr(self, kind, getattr(self, kind) + count)

    def as_dict(self) -> dict:
        """Return the counts as they stand in the manifest."""
        rows = self.on_time + self.late + self.duplicated + sum(self.bad.values())
        return {"rows": rows, "good": self.on_time + self.late, **vars(self)}


@dataclass
class Post:
    """The rows that are to come in the file of a later day, by day."""

    world: World
    events: np.ndarray = field(default_factory=lambda: np.zeros(len(TYPES), np.int64))
    _due: dict[int, list[tuple[str, pa.Array]]] = field(default_factory=lambda: defaultdict(list))

    def send(self, day: int, kind: str, lines: pa.Array) -> None:
        """Keep lines for the file of a day."""
        if len(lines):
            self._due[day].append((kind, lines))

    def due(self, day: int) -> list[tuple[str, pa.Array]]:
        """Return, and forget, what is to come on a day."""
        return self._due.pop(day, [])

    def sort_out(self, rows: Rows, lines: pa.Array, day: Day, counts: FileCounts, rng: np.random.Generator) -> pa.Array:
        """Return the lines of a block that are in the file of their own day; keep the others for theirs.

        Rows after midnight belong to the next day. No row is lost, but those after midnight of the world's last day.
        """
        last = self.world.days - 1
        spilled = rows.time >= day.end
        if spilled.any():
            here = np.flatnonzero(~spilled)
            if day.number < last:
                self._count(rows.kind[spilled])
                self.send(day.number + 1, ON_TIME, lines.filter(pa.array(spilled)))
            rows, lines = rows.take(here), lines.take(pa.array(here))
        self._count(rows.kind)
        drawn = rng.random(len(rows))
        late, twice = self.world.late, self.world.duplicated
        stays = np.ones(len(rows), bool)
        again = np.zeros(len(rows), bool)
        if late:
            due = self._days_later(late, day, drawn < late.share, rng)
            self._send_all(LATE, lines, due)
            stays = due < 0
        if twice:
            chosen = stays & (drawn >= 1 - twice.share)
            due = self._days_later(twice, day, chosen, rng)
            self._send_all(DUPLICATED, lines, due)
            again = due >= 0
        times = stays.astype(np.int64)
        if self.world.identical_lines:
            both = stays & ~again & (rows.kind == PURCHASE) & (rng.random(len(rows)) < self.world.identical_lines)
            times += both
            counts.identical_lines += int(both.sum())
            self._count(rows.kind[both])
        if (times != 1).any():
            lines = lines.take(pa.array(np.repeat(np.arange(len(rows)), times)))
        counts.on_time += len(lines)
        return lines

    def _count(self, kinds: np.ndarray) -> None:
        self.events += np.bincount(kinds, minlength=len(TYPES))

    def count_returns(self, count: int) -> None:
        """Count returns that will be delivered."""
        self.events[TYPES.index("return")] += count

    def _days_later(self, delivery: Delivery, day: Day, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the day on which each chosen row comes, or -1; those that would come after the last day are not delayed."""
        due = np.where(chosen, day.number + rng.integers(1, delivery.max_days + 1, len(chosen)), -1)
        return np.where(due < self.world.days, due, -1)

    def _send_all(self, kind: str, lines: pa.Array, due: np.ndarray) -> None:
        for number in np.unique(due[due >= 0]):
            self.send(int(number), kind, lines.filter(pa.array(due == number)))


def broken(lines: pa.Array, kinds: list[str], counts: FileCounts, rng: np.random.Generator) -> list[bytes | memoryview]:
    """Return the bytes of some lines, with bad rows, made of other copies of them, in between."""
    if not kinds or not len(lines):
        return [content(lines)]
    places = np.sort(rng.integers(0, len(lines), len(kinds)))
    models = lines.take(pa.array(rng.integers(0, len(lines), len(kinds)))).to_pylist()
    bad = [break_line(model.rstrip("\n").encode(), kind) for model, kind in zip(models, kinds, strict=True)]
    for kind in kinds:
        counts.bad[kind] = counts.bad.get(kind, 0) + 1
    return with_inserted(lines, places.tolist(), bad)
