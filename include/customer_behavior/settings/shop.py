"""`shop.yaml`."""

from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from customer_behavior.settings.base import FrozenModel, Timezone


class TargetKey(FrozenModel):
    """A target and its horizon."""

    target: str
    horizon_days: int = Field(gt=0)

    def __str__(self) -> str:
        return f"{self.target}/{self.horizon_days}d"


class ExchangeRates(FrozenModel):
    """Where rates of foreign currencies land, and how many days one serves after its own."""

    path: str
    max_age_days: int = Field(default=7, ge=0)


class Bots(FrozenModel):
    """From when on a customer is taken for a machine: more of it on one day within 90."""

    max_events_per_day: int = Field(default=2_000, ge=1)
    max_orders_per_day: int = Field(default=100, ge=1)


def _is_address(text: str) -> bool:
    """Return whether a text is one address as a mail's header has it, `ann@example.com` or `Ann <ann@example.com>`."""
    _, plain = parseaddr(text)
    if (
        not (text.isascii() and text.isprintable())
        or plain.strip() != plain
        or not text.strip().endswith((plain, f"<{plain}>"))
    ):
        return False
    try:
        parsed = Address(addr_spec=plain)
    except (HeaderParseError, ValueError, IndexError):
        return False
    return bool(parsed.username and parsed.domain) and not set(plain) & set(" :")


class Shop(FrozenModel):
    """The shop: its clock, its currency, its active sources, and who is told (nobody, where `alert_to` is empty)."""

    timezone: Timezone
    currency: str = Field(pattern="^[A-Z]{3}$")
    exchange_rates: ExchangeRates | None = None
    primary_target: TargetKey
    sources: tuple[str, ...] = Field(min_length=1)
    dimensions: tuple[str, ...] = ()
    consent_unknown: Literal["suppress", "allow"] | None = None
    alert_to: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    bots: Bots = Bots()

    @field_validator("alert_to", mode="before")
    @classmethod
    def _one_or_none_is_a_list(cls, value: Any) -> Any:
        if value is None:
            return ()
        return (value,) if isinstance(value, str) else value

    @field_validator("alert_to")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            if not _is_address(address):
                raise ValueError(
                    f"{address!r} is no mail address; write a list like [oncall@example.com], or [] for no mail"
                )
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone."""
        return ZoneInfo(self.timezone)
