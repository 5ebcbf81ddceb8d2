"""What the hours of a file's stamps say about the clock they were written by."""

from collections import Counter
from collections.abc import Mapping

ENOUGH = 200  # events; fewer say nothing about the night
NIGHT = 3  # the hour around which a shop's customers sleep
SLEEP = range(3, 9)  # hours that a night's quiet lasts; longer ones are closing hours
QUIET = 1 / 3  # of the mean hour


def night(hours: Mapping[int, int]) -> tuple[int | None, str]:
    """Return the hours by which the clock of the stamps runs ahead of the customers', None when the hours cannot tell, and why.

    Only a shop that sells around the clock shows when its customers sleep: trade then falls low for a few hours and does not stop.
    Where it stops, a door is closed, and when a shop, an office or a bar opens is its own affair.

    >>> night({hour: 10 if hour in (7, 8, 9) else 100 for hour in range(24)})[0]
    5
    >>> night({hour: 100 for hour in range(8, 18)})
    (None, 'events only from 8 to 18 h: opening hours, which fit or do not; no zone can be told from them')
    """
    counts = [hours.get(hour, 0) for hour in range(24)]
    total = sum(counts)
    if total < ENOUGH:
        return None, f"{total:,} events are too few to tell where it is night"
    if max(counts) > total / 2:
        hour = counts.index(max(counts))
        where = "at midnight" if hour == 0 else f"in the hour of {hour}"
        return None, f"most stamps are {where}: they hold no time of day, or were written by a batch"
    runs = _runs([count < QUIET * total / 24 for count in counts])
    if not runs:
        return None, "no hours of the day are quiet: nothing tells where it is night"
    _, length = max(runs, key=lambda run: run[1])
    closed = _runs([count <= total / 24 / 1_000 for count in counts])
    shut, for_hours = max(closed, key=lambda run: run[1], default=(0, 0))
    if for_hours >= 3:
        opens, closes = (shut + for_hours) % 24, shut
        return (
            None,
            f"events only from {opens} to {closes} h: opening hours, which fit or do not; no zone can be told from them",
        )
    if length not in SLEEP:
        said = (
            f"{length} quiet hours are more than a night"
            if length >= SLEEP.stop
            else "the quiet hours are too few for a night"
        )
        return None, f"{said}: office hours or a rhythm of its own; no zone can be told from them"
    if sum(run[1] for run in runs) > length:
        return None, "the day has several quiet times: nothing tells which is the night"
    lowest = _lowest(counts)
    return (lowest - NIGHT + 12) % 24 - 12, "the quiet hours"


def _lowest(counts: list[int]) -> int:
    """Return the hour around which the fewest events lie."""

    def around(hour: int, reach: int) -> int:
        return sum(counts[(hour + n) % 24] for n in range(-reach, reach + 1))

    return min(range(24), key=lambda hour: (around(hour, 1), around(hour, 2)))


def _runs(flags: list[bool]) -> list[tuple[int, int]]:
    """Return (start, length) of the runs of true hours around the clock.

    >>> _runs([hour in (23, 0, 1, 9) for hour in range(24)])
    [(9, 1), (23, 3)]
    """
    if all(flags):
        return [(0, 24)]
    starts = [hour for hour in range(24) if flags[hour] and not flags[hour - 1]]
    lengths = Counter({start: next(n for n in range(24) if not flags[(start + n) % 24]) for start in starts})
    return [(start, lengths[start]) for start in starts]
