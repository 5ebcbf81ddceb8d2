"""A source: one YAML file that says where its files land and what their columns mean."""

import re
from collections.abc import Collection, Iterable
from datetime import date
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from customer_behavior.errors import ConfigurationError
from customer_behavior.ingest import charges
from customer_behavior.ingest.ids import ID_FIELDS, WHOLE_IDS
from customer_behavior.ingest.numbers import NUMBER_FIELDS
from customer_behavior.ingest.order_state import Condition
from customer_behavior.paths import sources_dir
from customer_behavior.settings import FrozenModel, Timezone, read_yaml

EVENT_TYPES = ("view", "cart", "remove_from_cart", "purchase", "return", "favourite", "search", "other")
EventType = Literal["view", "cart", "remove_from_cart", "purchase", "return", "favourite", "search", "other"]

# What an event may be built from, and what it is called in raw.events.
TEXT_FIELDS = (
    "event_id", "customer_id", "session_id", "product_id", "order_id", "category", "brand", "country", "device", "channel",
)  # fmt: skip
# product_name only tells charges from products; line_refund is what was paid back of a line, order_refund of its whole order.
FIELDS = (
    "event_time", "event_type", *TEXT_FIELDS, "quantity", "price", "line_total", "discount", "line_discount", "currency",
    "product_name", "line_refund", "order_refund",
)  # fmt: skip
FOR_EVER = 36_500  # days
TIME_PARTS = ("Y", "y", "m", "b", "B", "d", "H", "I", "M", "S", "f", "p", "z", "a", "A", "j")  # of strptime


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Calendar(FrozenModel):
    """Days on which no file is expected: weekdays (mon to sun), MM-DD (every year) or YYYY-MM-DD."""

    closed: tuple[str, ...] = ()

    @field_validator("closed", mode="before")
    @classmethod
    def _written(cls, value: Any) -> Any:
        """YAML reads a date without quotes as a date."""
        if not isinstance(value, list | tuple):
            return value
        return [day.isoformat() if type(day) is date else day for day in value]

    @field_validator("closed")
    @classmethod
    def _days(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_closed_day(day) for day in value)

    def is_closed(self, day: date) -> bool:
        """Return whether no file is expected for `day`."""
        return not {day.isoformat(), f"{day:%m-%d}", WEEKDAYS[day.weekday()][:3]}.isdisjoint(self.closed)


def _closed_day(text: str) -> str:
    """Return a day of the calendar in the one way that it is compared: sat, 12-25 or 2024-05-09.

    >>> [_closed_day(text) for text in ("Sat", "sundays", "12-25", "2024-05-09")]
    ['sat', 'sun', '12-25', '2024-05-09']
    """
    word = text.strip().lower()
    for weekday in WEEKDAYS:
        if word in (weekday[:3], weekday, f"{weekday}s"):
            return weekday[:3]
    try:
        written = date.fromisoformat(word if len(word) > 5 else f"2000-{word}").isoformat()
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no day: write a weekday as sat, a day of every year as MM-DD, or one day as YYYY-MM-DD"
        ) from error
    return written if len(word) > 5 else written[5:]


class Rules(FrozenModel):
    """What a line means that is not as usual."""

    negative_quantity: Literal["return", "reject"] = "reject"  # as are a negative price and a negative total of a line
    negative_discount: Literal["amount", "reject"] = (
        "reject"  # amount: the source writes what it takes off as a negative number
    )
    zero_quantity: Literal["other", "reject"] = "reject"
    repeated_order_line: Literal["duplicate", "add"] | None = (
        None  # the same line of one order sent again, at another time
    )
    no_purchase_when: dict[str, Condition] = Field(default_factory=dict)
    lowercase: tuple[str, ...] = ()
    no_ids: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    are_ids: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    whole_ids: tuple[str, ...] = WHOLE_IDS

    def ids(self, field: str) -> dict[str, Collection[str]]:
        """Return how ids of a field are read: texts that are none in addition, that are nevertheless, and where `.0` goes."""
        return {"more": self.no_ids.get(field, ()), "fewer": self.are_ids.get(field, ()), "whole": self.whole_ids}

    @field_validator("no_ids", "are_ids", "whole_ids")
    @classmethod
    def _ids(cls, value: Collection[str]) -> Collection[str]:
        for name in value:
            if name not in ID_FIELDS:
                raise ValueError(f"{name!r} is no field of an id; those are {', '.join(ID_FIELDS)}")
        return value

    @field_validator("lowercase")
    @classmethod
    def _texts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in TEXT_FIELDS:
                raise ValueError(f"{name!r} is no field of text; those are {', '.join(TEXT_FIELDS)}")
        return value


class FillDown(FrozenModel):
    """Columns that only the first of several rows carries, and the column that all rows that belong together share."""

    by: str
    columns: tuple[str, ...] = Field(min_length=1)


class Source(FrozenModel):
    """One source of events."""

    name: str
    description: str
    path: str
    format: Literal["csv", "jsonl", "parquet"] = "csv"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    header: tuple[str, ...] = ()
    timezone: Timezone
    time_unit: Literal["s", "ms", "us"] | None = None
    time_format: tuple[str, ...] = ()
    currency: str = Field(pattern="^[A-Z]{3}$")
    decimal: Literal[".", ","] | None = None
    on_missing: Literal["fail", "empty", "calendar"] = "fail"
    calendar: Calendar = Calendar()
    max_lateness_days: int = Field(ge=0, le=366)
    customer_namespace: str = ""
    constants: dict[str, str] = Field(default_factory=dict)
    columns: dict[str, str | tuple[str, ...]]
    event_types: dict[str, EventType | Literal["refunded"]] = Field(default_factory=dict)
    optional: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    charges: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    order_delivery: Literal["lines", "whole"] = "lines"
    fill_down: FillDown | None = None
    explode: str | None = None
    rules: Rules = Rules()
    nobody: Literal["keep", "drop", "reject"] = "keep"
    nobody_limit: float = Field(default=0.5, ge=0, le=1)
    deliveries: Literal["overlap", "apart"] | None = None
    reject_limit: float = Field(default=0.05, ge=0, le=1)

    @field_validator("charges")
    @classmethod
    def _known_charges(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for kind in value:
            if kind not in (*charges.KINDS, charges.PRODUCT):
                raise ValueError(
                    f"{kind!r} is no kind of charge; those are {', '.join((*charges.KINDS, charges.PRODUCT))}"
                )
        return value

    @field_validator("time_format", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("time_format")
    @classmethod
    def _whole_dates(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            said = re.findall(r"%-?(.)", text)
            unknown = [one for one in said if one not in TIME_PARTS]
            if unknown or text.endswith("%"):
                raise ValueError(
                    f"{text!r} has %{'%'.join(unknown)}; the parts are %{', %'.join(TIME_PARTS)}, as in %d.%m.%Y %H:%M"
                )
            for part, words in (("yY", "a year (%Y)"), ("mbB", "a month (%m)"), ("d", "a day (%d)")):
                if not set(part) & set(said):
                    raise ValueError(f"{text!r} lacks {words}: write it like %d.%m.%Y %H:%M")
        return value

    @field_validator("path")
    @classmethod
    def _dated_path(cls, value: str) -> str:
        if "{date}" not in value:
            raise ValueError("must contain {date}, the batch's date as YYYY-MM-DD, so that a batch finds its files")
        return value

    @model_validator(mode="after")
    def _complete(self) -> "Source":
        for name in (*self.columns, *self.constants):
            if name not in FIELDS:
                raise ValueError(f"{name!r} is no field of an event; the fields are {', '.join(FIELDS)}")
        for name, column in self.columns.items():
            if not isinstance(column, str) and name not in (*TEXT_FIELDS, "line_discount", "event_time"):
                raise ValueError(
                    f"{name} names several columns; line_discount adds them up, texts take the first given, and event_time "
                    "joins a date and a time of day"
                )
        if self.order_delivery == "whole" and "order_id" not in self.columns:
            raise ValueError("order_delivery: whole needs the column of order_id: it says what is delivered again")
        if self.order_delivery == "whole" and "event_id" in self.columns:
            raise ValueError(
                "order_delivery: whole tells states of an order apart by their lines; leave event_id out of columns"
            )
        if "order_refund" in self.columns and "order_id" not in self.columns:
            raise ValueError("order_refund needs the column of order_id: it is spread over the order's lines")
        if "currency" in self.constants:
            raise ValueError("constants.currency: the key currency says it for every row")
        if self.time_unit and (self.time_format or not isinstance(self.columns.get("event_time", ""), str)):
            raise ValueError(
                "time_unit is of one column of numbers since 1970; leave it out, or time_format and the second column"
            )
        if self.header and (self.format != "csv" or len(set(self.header)) < len(self.header)):
            raise ValueError("header names the columns of a csv without a header line, each by a name of its own")
        given = {*self.columns, *self.constants}
        if "event_time" not in self.columns:
            raise ValueError("columns.event_time is missing: name the column that holds the time")
        if "event_type" not in given:
            raise ValueError("name the column of event_type under columns, or the one type under constants")
        if not given & {"customer_id", "session_id"}:
            raise ValueError("columns needs a customer_id or a session_id")
        for one, other in (("price", "line_total"), ("discount", "line_discount")):
            if one in given and other in given:
                raise ValueError(f"{one} and {other} are both given; one of them says it all")
        mapped = {
            column
            for columns in self.columns.values()
            for column in ([columns] if isinstance(columns, str) else columns)
        }
        for column in self.optional:
            if column not in mapped:
                raise ValueError(
                    f"optional names {column!r}, which columns does not map; it maps {', '.join(sorted(mapped))}"
                )
        if self.fill_down:
            if self.format != "csv":
                raise ValueError(
                    f"fill_down is of csv, format is {self.format}: have each of its records carry all columns"
                )
            for column in self.fill_down.columns:
                if column not in (*mapped, *self.keep, *self.rules.no_purchase_when):
                    raise ValueError(
                        f"fill_down.columns names {column!r}, which neither columns, keep nor rules.no_purchase_when does"
                    )
                if column == self.fill_down.by:
                    raise ValueError(f"fill_down.columns names {column!r}, which fill_down.by does: it is never filled")
        if self.explode:
            if self.format == "csv":
                raise ValueError("explode is of jsonl and parquet: CSV has no lists")
            if not any(column.startswith(f"{self.explode}.") for column in (*mapped, *self.keep)):
                raise ValueError(
                    f"explode names {self.explode!r}, but no column reads from its items, as {self.explode}.item_id would"
                )
        constant_type = self.constants.get("event_type")
        if constant_type is not None and constant_type not in EVENT_TYPES:
            raise ValueError(f"constants.event_type is {constant_type!r}; the types are {', '.join(EVENT_TYPES)}")
        return self

    def columns_of(self, fields: Collection[str]) -> list[str]:
        """Return the file's columns that `fields` are read from, each once."""
        named = [self.columns[name] for name in fields if name in self.columns]
        return list(dict.fromkeys(one for each in named for one in ((each,) if isinstance(each, str) else each)))

    @property
    def id_columns(self) -> list[str]:
        """Columns that ids are read from."""
        return self.columns_of(ID_FIELDS)

    @property
    def number_columns(self) -> list[str]:
        """Columns that amounts and quantities are read from."""
        return self.columns_of(NUMBER_FIELDS)

    @property
    def order_reach(self) -> int | None:
        """Days between two lines with one order id within which they are of one order: as long as lines may come late.

        Where orders are stated as a whole an id is one order's for good. None: the source names no orders.
        """
        if "order_id" not in self.columns:
            return None
        return FOR_EVER if self.order_delivery == "whole" else max(self.max_lateness_days, 1)

    @property
    def repeats_orders(self) -> bool:
        """Whether a line of an order that is sent again at another time is the same line.

        A page that is loaded again sends its order again; a till scans the second bottle. So where the rule does not say it,
        lines are repeats in a source whose sessions are not its orders, and has no ids of its own for its events.
        """
        if "order_id" not in self.columns or "event_id" in self.columns or self.order_delivery == "whole":
            return False
        if self.rules.repeated_order_line is not None:
            return self.rules.repeated_order_line == "duplicate"
        return self.columns.get("session_id") not in (None, self.columns["order_id"])

    @property
    def repeat_reach(self) -> int:
        """Days between two rows with one id within which they are one event; a line of an order is told by its content alone."""
        return (self.order_reach or 0) if self.repeats_orders else FOR_EVER

    @property
    def wanted(self) -> list[str]:
        """Columns of the file that are read: those mapped, those kept and the one to fill down by, each once."""
        mapped = [columns if isinstance(columns, tuple) else (columns,) for columns in self.columns.values()]
        by = [self.fill_down.by] if self.fill_down else []
        read = [column for columns in mapped for column in columns]
        return list(dict.fromkeys(read + list(self.keep) + list(self.rules.no_purchase_when) + by))

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of stamps that carry none."""
        return ZoneInfo(self.timezone)


class _SourceFile(Source):
    """As written in YAML: the name is the file's."""

    name: str = ""


def lateness_days(names: Iterable[str]) -> int:
    """Return the days after which no source of these delivers an event any more."""
    return max(load_source(name).max_lateness_days for name in names)


def load_source(name: str) -> Source:
    """Return `include/sources/<name>.yaml`.

    Raises
    ------
    ConfigurationError
        When there is no such file (the message lists those there are) or a key in it is not understood.
    """
    path = sources_dir() / f"{name}.yaml"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in sources_dir().glob("*.yaml"))) or "none"
        raise ConfigurationError(f"there is no source {name!r}: {path} is missing; sources are {known}")
    content = read_yaml(path, _SourceFile)
    return Source.model_validate({**content.model_dump(exclude_defaults=True), "name": name})
