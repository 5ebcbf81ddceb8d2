"""What visits tell about the shop: read from the events of some weeks, said in sentences."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.insights import Peak, PeakHours, PriceFinding, find_peaks, find_threshold
from customer_behavior.settings import Settings
from customer_behavior.warehouse import read_frame, run_sql

DAYS, FEW_DAYS = 90, 28
MANY_ORDERS = 20_000  # in 28 days: enough to say it from those alone
MAX_EVENTS = 50  # a longer visit is taken for a machine's


@dataclass(frozen=True)
class ShopVisits:
    """Counts over the last `days` days: visits by price cell, and visits (or orders, where none are shown) by hour."""

    days: int
    what: str
    prices: pd.DataFrame
    hours: pd.DataFrame


def read_visits(connection: Connection, settings: Settings, as_of: date) -> ShopVisits:
    """Count the visits of the days before `as_of`, as known then; orders by hour where the sources show no visits."""
    orders = read_frame(connection, "insights/order_hours", as_of=as_of, first_day=as_of - timedelta(days=FEW_DAYS))
    window = FEW_DAYS if orders.loc[orders["clusters"] == "day", "visits"].sum() >= MANY_ORDERS else DAYS
    first_day = as_of - timedelta(days=window)
    connection.execute(sa.text("SET LOCAL work_mem = '128MB'"))
    run_sql(
        connection,
        "insights/visits",
        as_of=as_of,
        first_day=first_day,
        timezone=settings.shop.timezone,
        staff=list(settings.shop.staff),
        silence_minutes=settings.targets.sessions.silence_minutes,
        max_events=MAX_EVENTS,
    )
    prices, hours = (read_frame(connection, f"insights/visit_{name}") for name in ("prices", "hours"))
    what = "visits"
    if hours.empty:
        what, hours = "orders", read_frame(connection, "insights/order_hours", as_of=as_of, first_day=first_day)
    begun = hours.loc[hours["clusters"] == "day", "cluster"]
    return ShopVisits(int(window - begun.min()) if len(begun) else 0, what, prices, hours)


def price_threshold(visits: ShopVisits, currency: str) -> tuple[str, dict[str, Any]]:
    """Return the price threshold in a sentence, and its numbers."""
    if visits.what == "orders":
        reason = "the source shows no visits that end without a purchase"
        finding = PriceFinding(0, 0, None, reason, None)
    else:
        finding = find_threshold(visits.prices)
    return price_words(finding, visits.days, currency), {**asdict(finding), "days": visits.days}


def price_words(finding: PriceFinding, days: int, currency: str) -> str:
    """Return a finding about prices as marketing reads it."""
    basis = f"{finding.visits:,} visits of {days} days"
    found = finding.threshold
    if found is None:
        looked = f" in {basis}" if finding.visits else ""
        return f"No price threshold was found{looked}" + (f": {finding.reason}" if finding.p_value is None else "")
    return (
        f"Above {found.price:,.2f} {currency} a visit ends in a purchase {found.factor:.2f} times as often "
        f"({found.factor_low:.2f} to {found.factor_high:.2f}); the limit lies between {found.low:,.2f} and {found.high:,.2f} "
        f"{currency} (95 %, {basis})"
    )


def peak_hours(visits: ShopVisits, timezone: str) -> tuple[str, dict[str, Any]]:
    """Return the peak hours in a sentence, and their numbers."""
    finding = find_peaks(visits.hours)
    by_hour = visits.hours[visits.hours["clusters"] == "day"].groupby("hour")[["visits", "purchases"]].sum()
    by_hour = by_hour.reindex(range(24), fill_value=0)
    details: dict[str, Any] = {"of": visits.what, "days": visits.days, "visits_by_hour": by_hour["visits"].tolist()}
    if visits.what == "visits":
        details["purchases_by_hour"] = by_hour["purchases"].tolist()
    return peak_words(finding, visits.days, visits.what, timezone), {**asdict(finding), **details}


def peak_words(finding: PeakHours, days: int, what: str, timezone: str) -> str:
    """Return a finding about hours as marketing reads it."""
    basis = f"{finding.visits:,} {what} of {days} days"
    said = []
    if finding.traffic:
        said.append(
            f"between {clock(finding.traffic.hours)} there are {ratio(finding.traffic)} as many {what} an hour as else"
        )
    if finding.conversion:
        said.append(
            f"between {clock(finding.conversion.hours)} a visit ends in a purchase {ratio(finding.conversion)} as often"
        )
    if said:
        sentence = "; ".join(said)
        return f"{sentence[0].upper()}{sentence[1:]} ({timezone}; 95 %, {basis})"
    reason = finding.traffic_reason or (finding.conversion_reason if what == "visits" else None)
    return f"No peak hours were found in {basis}" + (f": {reason}" if reason else "")


def ratio(peak: Peak) -> str:
    """Return how many times, with its interval."""
    return f"{peak.ratio:.2f} times ({peak.low:.2f} to {peak.high:.2f})"


def clock(hours: Iterable[int]) -> str:
    """Return hours as stretches of the clock, one over midnight in one piece.

    >>> clock([0, 12, 13, 23])
    '12:00 and 14:00, 23:00 and 1:00'
    """
    named = set(hours)
    begins = sorted(hour for hour in named if (hour - 1) % 24 not in named)
    stretches = []
    for begin in begins:
        end = begin
        while end % 24 in named:
            end += 1
        stretches.append(f"{begin}:00 and {end % 24}:00")
    return ", ".join(stretches)
