"""A world: one YAML file that describes a simulated shop, its customers, and what is planted in them."""

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import Field, ValidationError, field_validator, model_validator

from customer_behavior.errors import ConfigurationError
from customer_behavior.settings import FrozenModel, Timezone, read_yaml
from customer_behavior.simulator.bad_rows import KINDS
from customer_behavior.simulator.plants import (
    Bots,
    Delivery,
    Mix,
    PeakHours,
    PriceThreshold,
    RiskySegment,
    Shift,
    Treatment,
    check_mix,
)

DIMENSIONS = ("country", "device", "channel")


class CustomerModel(FrozenModel):
    """Who visits, how often, how long, and how easily they buy.

    Visits a day are gamma distributed over customers, the length of a customer's life exponential with a gamma distributed rate,
    the propensity to buy gamma distributed with mean 1: the assumptions of the Pareto/NBD model.
    """

    population: int = Field(default=5_000, ge=50, le=20_000_000)
    new_per_day: float = Field(default=0.004, ge=0, le=1, description="as a share of the population")
    visits_per_week: float = Field(default=1.4, gt=0, le=100)
    visits_shape: float = Field(default=0.9, gt=0)
    lifetime_days: float = Field(default=200, gt=1)
    lifetime_shape: float = Field(default=2.0, gt=0)
    conversion_shape: float = Field(default=2.0, gt=0)
    loyalty: float = Field(default=0.85, ge=0, le=1)
    consent: float = Field(default=0.8, ge=0, le=1)
    consent_changes: float = Field(default=0.0005, ge=0, le=1)


class Catalogue(FrozenModel):
    """What is sold: log-normal prices, popularity by a power of the rank."""

    products: int = Field(default=2_000, ge=50, le=2_000_000)
    categories: int = Field(default=40, ge=1)
    median_price: float = Field(default=60.0, gt=0, lt=1e6)
    price_spread: float = Field(default=1.0, gt=0, le=3)
    popularity: float = Field(default=0.7, ge=0, le=2)
    price_changes: float = Field(default=0.002, ge=0, le=1)

    @model_validator(mode="after")
    def _enough(self) -> "Catalogue":
        if self.products < 2 * self.categories:
            raise ValueError(
                f"{self.products} products are too few for {self.categories} categories: two each at least"
            )
        return self


class Sessions(FrozenModel):
    """What happens in a visit."""

    views: float = Field(default=4.0, ge=1, le=200)
    focus: float = Field(default=0.5, ge=0, le=1)
    seconds_between: float = Field(default=45, ge=3, le=1800)
    conversion: float = Field(default=0.08, gt=0, lt=1)
    cart: float = Field(default=0.12, ge=0, le=1)
    remove: float = Field(default=0.4, ge=0, le=1)
    second_line: float = Field(default=0.3, ge=0, le=1)
    returns: float = Field(default=0.05, ge=0, le=1)
    return_days: int = Field(default=20, ge=1, le=366)
    habit: float = Field(default=0.5, ge=0, le=1)
    favourites: int = Field(default=6, ge=1, le=100)
    taste: float = Field(default=0.7, ge=0, le=1)
    anonymous: float = Field(default=0.0, ge=0, le=1)


class Mixes(FrozenModel):
    """Shares of the traffic; they are made to add up to 1."""

    country: Mix = Field(default={"DE": 50, "AT": 15, "CH": 15, "FR": 20}, min_length=1)
    device: Mix = Field(default={"mobile": 55, "desktop": 35, "tablet": 10}, min_length=1)
    channel: Mix = Field(default={"organic": 40, "paid": 25, "email": 15, "direct": 20}, min_length=1)

    @field_validator("*")
    @classmethod
    def _weights(cls, value: Mix) -> Mix:
        return check_mix(value)


class World(FrozenModel):
    """A simulated shop."""

    description: str = ""
    seed: int = Field(default=1, ge=0)
    first_day: date
    days: int = Field(default=120, ge=1, le=3_660)
    timezone: Timezone = "UTC"
    customers: CustomerModel = CustomerModel()
    catalogue: Catalogue = Catalogue()
    sessions: Sessions = Sessions()
    mix: Mixes = Mixes()
    hours: tuple[float, ...] = (1.0,) * 24
    weekdays: tuple[float, ...] = (1.0,) * 7
    dimensions: bool = True
    price_threshold: PriceThreshold | None = None
    peak_hours: PeakHours | None = None
    shift: Shift | None = None
    risky_segments: tuple[RiskySegment, ...] = ()
    treatment: Treatment | None = None
    bots: Bots | None = None
    late: Delivery | None = None
    duplicated: Delivery | None = None
    identical_lines: float = Field(default=0.0, ge=0, le=1)
    bad_rows: dict[str, int] = Field(default_factory=dict)

    @field_validator("hours", "weekdays")
    @classmethod
    def _weights(cls, value: tuple[float, ...], info) -> tuple[float, ...]:
        wanted = 24 if info.field_name == "hours" else 7
        if len(value) != wanted or any(weight < 0 for weight in value) or sum(value) <= 0:
            raise ValueError(f"{wanted} weights, none negative, not all zero")
        return value

    @field_validator("bad_rows")
    @classmethod
    def _known_kinds(cls, value: dict[str, int]) -> dict[str, int]:
        for kind, count in value.items():
            if kind not in KINDS:
                raise ValueError(f"{kind!r} is no kind of bad row; the kinds are {', '.join(KINDS)}")
            if count < 0:
                raise ValueError(f"{kind} is {count}: the number of rows is 0 or more")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "World":
        last = self.last_day
        dated = [("shift", self.shift)] if self.shift else []
        dated += [(f"risky_segments.{segment.name}", segment) for segment in self.risky_segments]  # type: ignore[misc]
        for name, plant in dated:
            if not self.first_day < plant.date <= last:
                raise ValueError(
                    f"{name}.date {plant.date} is not after {self.first_day} and up to {last}, the last day"
                )
        names = [segment.name for segment in self.risky_segments]
        if len(set(names)) < len(names):
            raise ValueError("two risky_segments have the same name")
        rules = [(f"risky_segments.{segment.name}", segment.where) for segment in self.risky_segments]
        if self.treatment and self.treatment.where:
            rules.append(("treatment", self.treatment.where))
        for name, rule in rules:
            for dimension in DIMENSIONS:
                for value in getattr(rule, dimension):
                    if value not in self.values(dimension):
                        known = ", ".join(self.values(dimension))
                        raise ValueError(f"{name}.where.{dimension}: {value!r} is not in the mix, which has {known}")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def last_day(self) -> date:
        """The last day with a file."""
        return self.first_day + timedelta(days=self.days - 1)

    def rng(self, purpose: str, day: int = 0) -> np.random.Generator:
        """Return a generator of its own for each purpose and day, so that one plant does not move another."""
        return np.random.default_rng([self.seed, day, *purpose.encode()])

    def day_number(self, day: date) -> int:
        """Return how many days after the first a day is."""
        return (day - self.first_day).days

    def values(self, dimension: str) -> list[str]:
        """Return all countries, devices or channels there ever are."""
        shifted = (getattr(self.shift, dimension) or {}) if self.shift else {}
        return list(dict.fromkeys((*getattr(self.mix, dimension), *shifted)))

    def shares(self, dimension: str, shifted: bool) -> list[float]:
        """Return the shares of `values(dimension)`, adding up to 1, before or after the shift."""
        mix: Mix = (getattr(self.shift, dimension) if shifted and self.shift else None) or getattr(self.mix, dimension)
        return [mix.get(value, 0.0) / sum(mix.values()) for value in self.values(dimension)]


def load_world(path: Path) -> World:
    """Return a world from its YAML file.

    Raises
    ------
    ConfigurationError
        When the file is missing or a key or value is not understood; every finding is named.
    """
    world = read_yaml(path, World)
    if world.treatment and world.treatment.contacts:
        contacts = path.parent / world.treatment.contacts
        if not contacts.exists():
            raise ConfigurationError(f"{path}: treatment.contacts: {contacts} is missing")
        treatment = world.treatment.model_copy(update={"contacts": contacts})
        return world.model_copy(update={"treatment": treatment})
    return world


def changed(world: World, *, seed: int | None = None, days: int | None = None, customers: int | None = None) -> World:
    """Return the world with another seed, number of days or population, checked anew."""
    content = world.model_dump()
    if seed is not None:
        content["seed"] = seed
    if days is not None:
        content["days"] = days
    if customers is not None:
        content["customers"]["population"] = customers
    try:
        return World.model_validate(content)
    except ValidationError as error:
        findings = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'world'}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(f"the changed world does not hold: {findings}") from error
