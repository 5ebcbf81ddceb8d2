"""`shop.yaml`."""

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from customer_behavior.settings.base import Settings


class TargetKey(Settings):
    """A target and its horizon."""

    target: str
    horizon_days: int = Field(gt=0)

    def __str__(self) -> str:
        return f"{self.target}/{self.horizon_days}d"


class ExchangeRates(Settings):
    """Where rates of foreign currencies land, and how many days one serves after its own."""

    path: str
    max_age_days: int = Field(default=7, ge=0)


class Bots(Settings):
    """From when on a customer is taken for a machine: more of it on one day within 90."""

    max_events_per_day: int = Field(default=2_000, ge=1)
    max_orders_per_day: int = Field(default=100, ge=1)


class Shop(Settings):
    """The shop: its clock, its currency, its active sources, and who is told."""

    timezone: str
    currency: str = Field(pattern="^[A-Z]{3}$")
    exchange_rates: ExchangeRates | None = None
    primary_target: TargetKey
    sources: tuple[str, ...] = Field(min_length=1)
    dimensions: tuple[str, ...] = ()
    consent_unknown: Literal["suppress", "allow"] | None = None
    alert_to: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    bots: Bots = Bots()

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no IANA time zone; write it like America/New_York") from error
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone."""
        return ZoneInfo(self.timezone)
