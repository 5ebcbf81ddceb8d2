"""Times as shops write them: ISO 8601, a format of strptime, units since 1970, or what cannot be placed and why."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise

import duckdb

FITS = 0.98  # the share of a column's values that must be of its kind
UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000}
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (naive, as every stamp here)
SPAN = (EPOCH + timedelta(days=25 * 365), EPOCH + timedelta(days=70 * 365))
COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?")
NUMBERS = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})(.*)")
WORDS = re.compile(
    r"(?:(?P<weekday>[A-Za-z]{3,9}),? )?"
    r"(?:(?P<day>\d{1,2})(?P<a>[ -])(?P<month>[A-Za-z]{3,9})|(?P<month2>[A-Za-z]{3,9}) (?P<day2>\d{1,2}),?)"
    r"(?P<c>[ -])(?P<year>\d{4})(?P<rest>.*)"
)
CLOCK = re.compile(
    r"(?P<gap>,? |T|^)(?P<hour>\d{1,2})(?P<sign>[:.])(?P<minute>\d{2})((?P=sign)(?P<second>\d{2})(?P<part>\.\d{1,6})?)?"
    r"(?P<half> ?[AaPp][Mm])?(?P<zone> ?(Z|[+-]\d{2}:?\d{2}))?"
)
YEARLESS = re.compile(r"\d{1,2}[./-]\d{1,2}\.?(,? \d{1,2}:\d{2}.*)?|\d{1,2}\.? [A-Za-z]{3,9}\.?(,? \d{1,2}:\d{2}.*)?")


@dataclass(frozen=True)
class Times:
    """How a column says times.

    Attributes
    ----------
    kind : str
        iso, format, unit, clock (a time of day) or yearless (cannot be placed).
    formats : tuple of str
        Of strptime, for kind format and clock.
    unit : str or None
        s, ms or us.
    evidence : str
        What it rests on.
    doubt : str or None
        What a person has to decide.
    stamps : list of datetime or None
        The values as read, naive, in their own zone.
    zoned : bool
        Whether the values say their zone.
    """

    kind: str
    formats: tuple[str, ...] = ()
    unit: str | None = None
    evidence: str = ""
    doubt: str | None = None
    stamps: list[datetime | None] = field(default_factory=list, repr=False)
    zoned: bool = False

    @property
    def dated_only(self) -> bool:
        """Whether no value has a time of day."""
        return self.kind in ("iso", "format") and not any(
            stamp and (stamp.hour or stamp.minute or stamp.second) for stamp in self.stamps
        )


def times_of(values: Sequence[str | None], hint: datetime | None = None) -> Times | None:
    """Return how a column's values say times, None when they do not; `hint` is a day that the file is known to hold."""
    given = [value for value in values if value]
    if not given or not any(character.isdigit() for character in given[0]):
        return None

    def share(pattern: re.Pattern) -> float:
        return sum(bool(pattern.fullmatch(value)) for value in given) / len(given)

    if share(re.compile(r"\d+(\.\d+)?")) >= FITS:
        return _numeric(values, given)
    if share(ISO) >= FITS:
        stamps = _read(values, None)
        zoned = any(re.search(r"(Z|UTC|[+-]\d{2}(:?\d{2})?)$", value[10:]) for value in given)
        return (
            Times("iso", evidence=f"ISO 8601, as {given[0]}", stamps=stamps, zoned=zoned)
            if _fit(stamps, given)
            else None
        )
    if share(CLOCK) >= FITS:
        return Times("clock", tuple(_clocks(given)), evidence=f"times of day, as {given[0]}")
    if share(YEARLESS) >= FITS:
        return Times("yearless", evidence=f"dates without a year, as {given[0]}")
    return _formatted(values, given, hint)


def _fit(stamps: list[datetime | None], given: list[str]) -> bool:
    inside = sum(stamp is not None and SPAN[0] <= stamp < SPAN[1] for stamp in stamps)
    return inside >= FITS * len(given)


def _numeric(values: Sequence[str | None], given: list[str]) -> Times | None:
    length = len(given[0])
    if length in COMPACT and all(len(value) == length for value in given):
        stamps = _read(values, (COMPACT[length],))
        if _fit(stamps, given):
            return Times("format", (COMPACT[length],), evidence=f"digits of a date, as {given[0]}", stamps=stamps)
    written = [float(value) if value and value.replace(".", "", 1).isdecimal() else None for value in values]
    for unit, second in UNITS.items():
        numbers = [None if value is None else value / second for value in written]
        inside = sum(number is not None and 946_684_800 <= number < 2_000_000_000 for number in numbers)
        if inside >= FITS * len(given):
            stamps = [_since_1970(number) for number in numbers]
            read = next(stamp for stamp in stamps if stamp)
            return Times(
                "unit",
                unit=unit,
                evidence=f"{given[0]} is {read:%Y-%m-%d %H:%M} UTC in {unit} since 1970",
                stamps=stamps,
                zoned=True,
            )
    return None


def _since_1970(number: float | None) -> datetime | None:
    return EPOCH + timedelta(seconds=number) if number is not None and 0 <= number < 4_102_444_800 else None


def _formatted(values: Sequence[str | None], given: list[str], hint: datetime | None) -> Times | None:
    shapes: dict[str, Counter[str]] = {"day": Counter(), "month": Counter(), "year": Counter()}
    for value in given:
        for order, format_ in _shapes(value):
            shapes[order][format_] += 1
    read = []
    for order, formats in shapes.items():
        if sum(formats.values()) >= FITS * len(given):
            several = tuple(name for name, _ in formats.most_common(4))
            stamps = _read(values, several)
            if _fit(stamps, given):
                read.append((order, several, stamps))
    if not read:
        return None
    order, several, stamps = read[0]
    zoned = any(one.endswith(("%z", "Z")) for one in several)
    if order == "year" or "%b" in several[0] or "%B" in several[0]:
        return Times("format", several, evidence=f"as {given[0]}", stamps=stamps, zoned=zoned)
    if len(read) == 1:
        refuting = next((value for value in given if _place(value, 0 if order == "day" else 1) > 12), given[0])
        return Times(
            "format", several, evidence=f"{order} first: {refuting} is no date otherwise", stamps=stamps, zoned=zoned
        )
    return _day_or_month(read, given, hint, zoned)


def _day_or_month(read: list[tuple], given: list[str], hint: datetime | None, zoned: bool) -> Times:
    """Decide between two readings that both fit every value."""

    def made(one: tuple, evidence: str, doubt: str | None = None) -> Times:
        return Times("format", one[1], evidence=evidence, doubt=doubt, stamps=one[2], zoned=zoned)

    def days(one: tuple) -> set:
        return {stamp.date() for stamp in one[2] if stamp}

    if hint:
        fitting = [one for one in read if hint.date() in days(one)]
        if len(fitting) == 1:
            return made(fitting[0], f"{fitting[0][0]} first: the file's name says {hint:%Y-%m-%d}")
    spans = {one[0]: (max(days(one)) - min(days(one))).days for one in read}
    short = min(read, key=lambda one: spans[one[0]])
    others = max(spans.values())
    if len(days(short)) > 1 and others > 3 * (spans[short[0]] + 1):
        return made(short, f"{short[0]} first: the rows then span {spans[short[0]]} days, else {others}")
    falls = {one[0]: _falls(one[2]) for one in read}
    ordered = min(read, key=lambda one: falls[one[0]])
    if len(days(ordered)) > 2 and falls[ordered[0]] * 3 < max(falls.values()):
        return made(ordered, f"{ordered[0]} first: the rows are then in the order of time")
    usual = "day" if "." in given[0] else "month"
    chosen = next(one for one in read if one[0] == usual)
    other = "%m and %d" if usual == "month" else "%d and %m"
    if usual == "day":
        return made(
            chosen, "day first, as is usual with dots", f"no value decides; month first if {given[0]} is so meant"
        )
    return made(
        chosen, "month first is a guess", f"{given[0]} may be day first as well: exchange {other} in time_format if so"
    )


def _falls(stamps: list[datetime | None]) -> int:
    known = [stamp for stamp in stamps if stamp]
    return sum(after < before for before, after in pairwise(known))


def _place(value: str, place: int) -> int:
    found = NUMBERS.match(value)
    return int(found.group((1, 3)[place])) if found else 0


def _shapes(value: str) -> list[tuple[str, str]]:
    """Return (order, format) of the ways in which a value may be read."""
    found = NUMBERS.fullmatch(value)
    if found:
        one, sign, _, last, rest = found.groups()
        clock = _clock(rest)
        if clock is None:
            return []
        if len(one) == 4:
            return [("year", f"%Y{sign}%m{sign}%d{clock}")]
        year = {4: "%Y", 2: "%y"}.get(len(last))
        if year is None:
            return []
        return [("day", f"%d{sign}%m{sign}{year}{clock}"), ("month", f"%m{sign}%d{sign}{year}{clock}")]
    words = WORDS.fullmatch(value)
    if not words:
        return []
    clock = _clock(words["rest"])
    if clock is None:
        return []
    weekday = ""
    if words["weekday"]:
        comma = "," if value[len(words["weekday"])] == "," else ""
        weekday = ("%a" if len(words["weekday"]) == 3 else "%A") + comma + " "
    month = "%b" if len(words["month"] or words["month2"]) == 3 else "%B"
    if words["day"]:
        return [("day", f"{weekday}%d{words['a']}{month}{words['c']}%Y{clock}")]
    comma = "," if re.search(r"\d,", value) else ""
    return [("day", f"{weekday}{month} %d{comma}{words['c']}%Y{clock}")]


def _clock(rest: str) -> str | None:
    """Return the format of what follows a date; None when it is no time of day."""
    if not rest:
        return ""
    found = CLOCK.fullmatch(rest)
    if not found:
        return None
    sign = found["sign"]
    seconds = f"{sign}%S" if found["second"] else ""
    part = ".%f" if found["part"] else ""
    half = (" " if (found["half"] or "").startswith(" ") else "") + "%p" if found["half"] else ""
    written = found["zone"] or ""  # a Z is written as it is: %z does not read it, and the drafted timezone is then UTC
    zone = (" " if written.startswith(" ") else "") + ("Z" if written.endswith("Z") else "%z") if written else ""
    return f"{found['gap']}{'%I' if half else '%H'}{sign}%M{seconds}{part}{half}{zone}"


def _clocks(given: list[str]) -> list[str]:
    shapes = Counter(_clock(value) for value in given)
    return [name for name, _ in shapes.most_common(3) if name]


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(":memory:", config={"autoinstall_known_extensions": False, "threads": 1})
    engine.execute("SET TimeZone = 'UTC'")
    return engine


def _read(values: Sequence[str | None], formats: tuple[str, ...] | None) -> list[datetime | None]:
    """Return values as a load reads them, by formats or as ISO 8601."""
    several = ", ".join(f"CAST(try_strptime(value, '{one}') AS TIMESTAMPTZ)" for one in formats or ())
    spaced = r"regexp_replace(value, ' ([+-][0-9]{2}):?([0-9]{2})$', '\1:\2')"
    iso = f"try_cast(value AS TIMESTAMPTZ), try_cast({spaced} AS TIMESTAMPTZ)"
    read = f"coalesce({several if formats else iso})"
    rows = "(SELECT unnest($values) AS value, unnest(range(len($values))) AS place)"
    found = (
        _engine()
        .cursor()
        .execute(f"SELECT CAST({read} AS TIMESTAMP) FROM {rows} ORDER BY place", {"values": list(values)})
    )
    return [stamp for (stamp,) in found.fetchall()]
