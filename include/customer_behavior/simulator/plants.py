"""What may be planted in a world, each in a few numbers."""

import datetime
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from customer_behavior.settings import FrozenModel

Mix = dict[str, float]


def check_mix(value: Mix) -> Mix:
    """Return shares that are usable: none negative, not all zero, names that need no quotes in a CSV file."""
    if any(share < 0 for share in value.values()) or sum(value.values()) <= 0:
        raise ValueError("shares are 0 or more, and one of them is more than 0")
    for name in value:
        if not name or set(name) & set(',"\r\n\0'):
            raise ValueError(f"{name!r}: a name has no comma, quote or line break, and is not empty")
    return value


class PriceThreshold(FrozenModel):
    """Above `price`, a session that looks at such a product buys it `factor` times as often."""

    price: float = Field(gt=0)
    factor: float = Field(ge=0)


class PeakHours(FrozenModel):
    """Shop-local hours with more traffic, or more purchases a session."""

    hours: tuple[int, ...] = Field(min_length=1)
    traffic: float = Field(default=1.0, gt=0)
    conversion: float = Field(default=1.0, ge=0)

    @field_validator("hours")
    @classmethod
    def _of_a_day(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) < len(value) or any(not 0 <= hour <= 23 for hour in value):
            raise ValueError("hours are 0 to 23, each named once")
        return value


class Shift(FrozenModel):
    """From `date` on, other traffic and other prices."""

    date: datetime.date
    country: Mix | None = None
    device: Mix | None = None
    channel: Mix | None = None
    switching: float = Field(default=0.5, ge=0, le=1)
    new_customers: float = Field(default=1.0, ge=0, le=100)
    traffic: float = Field(default=1.0, gt=0, le=100)
    prices: float = Field(default=1.0, gt=0, le=100)

    @field_validator("country", "device", "channel")
    @classmethod
    def _weights(cls, value: Mix | None) -> Mix | None:
        return value if value is None else check_mix(value)


class PriceBand(FrozenModel):
    """A half-open interval of prices; an end that is not given does not bound."""

    min: float = 0.0
    max: float | None = None


class Rule(FrozenModel):
    """Customers by what can be seen of them: the main country, device and channel, and the usual price they look at."""

    country: tuple[str, ...] = ()
    device: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    price: PriceBand | None = None

    @model_validator(mode="after")
    def _of_something(self) -> "Rule":
        if not (self.country or self.device or self.channel or self.price):
            raise ValueError("the rule is empty: name a country, device, channel or price band")
        return self


class RiskySegment(FrozenModel):
    """Customers under a rule who, from a date on, buy `factor` times as often a session."""

    name: str = Field(min_length=1)
    date: datetime.date
    where: Rule
    factor: float = Field(ge=0)
    min_share: float = Field(default=0.03, gt=0, lt=1)

    @field_validator("factor")
    @classmethod
    def _twofold(cls, value: float) -> float:
        if 0.5 < value < 2:
            raise ValueError("a risky segment changes at least twofold: at most 0.5, or at least 2")
        return value


class Treatment(FrozenModel):
    """Contacts by action, and how many times as often a treated customer buys a session on the days after."""

    actions: dict[str, float] = Field(min_length=1)
    daily_share: float = Field(default=0.02, ge=0, le=1)
    holdout: float = Field(default=0.3, ge=0, lt=1)
    effect_days: int = Field(default=7, ge=1)
    where: Rule | None = None
    contacts: Path | None = Field(default=None, description="a CSV file with date,user_id,action,arm")

    @field_validator("actions")
    @classmethod
    def _lifts(cls, value: dict[str, float]) -> dict[str, float]:
        if any(lift < 0 for lift in value.values()):
            raise ValueError("the lift of an action is 0 or more; 1 is no effect")
        return value


class Bots(FrozenModel):
    """Accounts that view a product every so many seconds, every day, and never buy."""

    share: float = Field(gt=0, le=0.5)
    views_per_day: int = Field(default=300, ge=1)
    seconds_between: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _within_a_day(self) -> "Bots":
        if self.views_per_day * self.seconds_between > 12 * 3600:
            raise ValueError("views_per_day times seconds_between is more than twelve hours")
        return self


class Delivery(FrozenModel):
    """A share of the rows and how many days later, at most, they come in another file."""

    share: float = Field(gt=0, le=0.5)
    max_days: int = Field(default=1, ge=1, le=366)
