"""Contacts: who is written to, who is held out, and what that does to buying."""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from customer_behavior.errors import BadInputError
from customer_behavior.simulator.population import FIRST_ID, Customers
from customer_behavior.simulator.world import World

ARMS = ("treated", "holdout")


@dataclass(frozen=True)
class Contacts:
    """The contacts of one day: customers, the number of the action of each, and the number of the arm."""

    customer: np.ndarray
    action: np.ndarray
    arm: np.ndarray


@dataclass
class Campaign:
    """The treatment of a world, and who is under its effect.

    Attributes
    ----------
    until, action, arm : ndarrays, shape (customers,)
        The last day of the effect of the last contact, -1 without one; its action; its arm.
    given : dict of date to list
        Contacts read from a file; None when they are drawn.
    """

    world: World
    until: np.ndarray
    action: np.ndarray
    arm: np.ndarray
    given: dict[date, list[tuple[int, int, int]]] | None

    @classmethod
    def of(cls, world: World, customers: Customers) -> "Campaign":
        """Return a campaign in which nobody was contacted yet."""
        count = len(customers)
        given = None
        if world.treatment and world.treatment.contacts:
            given = _read(world.treatment.contacts, list(world.treatment.actions), count)
        return cls(world, np.full(count, -1), np.zeros(count, np.int8), np.zeros(count, np.int8), given)

    def contact(self, customers: Customers, number: int, day: date, rng: np.random.Generator) -> Contacts:
        """Contact customers on a day; the effect begins on the next."""
        treatment = self.world.treatment
        if treatment is None:
            raise ValueError("the world has no treatment")
        if self.given is not None:
            rows = np.array(self.given.get(day, []), np.int64).reshape(-1, 3)
            who, action, arm = rows[:, 0], rows[:, 1].astype(np.int8), rows[:, 2].astype(np.int8)
        else:
            free = customers.active(number) & ~customers.bot & (self.until < number)
            who = np.flatnonzero(free & (rng.random(len(customers)) < treatment.daily_share))
            action = rng.integers(0, len(treatment.actions), len(who)).astype(np.int8)
            arm = (rng.random(len(who)) < treatment.holdout).astype(np.int8)
        self.until[who] = number + treatment.effect_days
        self.action[who], self.arm[who] = action, arm
        return Contacts(who, action, arm)

    def lift(self, customers: Customers, number: int) -> np.ndarray | float:
        """Return the factor of each customer's chance to buy on a day."""
        treatment = self.world.treatment
        if treatment is None:
            return 1.0
        lifts = np.array(list(treatment.actions.values()))[self.action]
        moved = (self.until >= number) & (self.arm == ARMS.index("treated"))
        if treatment.where is not None:
            moved &= customers.under(treatment.where, self.world)
        return np.where(moved, lifts, 1.0)


def _read(path: Path, actions: list[str], customers: int) -> dict[date, list[tuple[int, int, int]]]:
    found: dict[date, list[tuple[int, int, int]]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        for wanted in ("date", "user_id", "action", "arm"):
            if wanted not in (reader.fieldnames or ()):
                raise BadInputError(f"{path}: column {wanted!r} is missing; the columns are date, user_id, action, arm")
        for number, row in enumerate(reader, start=2):
            try:
                customer = int(row["user_id"]) - FIRST_ID
                if not 0 <= customer < customers:
                    raise ValueError(f"there is no customer {row['user_id']}")
                contact = (customer, actions.index(row["action"]), ARMS.index(row["arm"]))
                found.setdefault(date.fromisoformat(row["date"]), []).append(contact)
            except ValueError as error:
                known = f"actions are {', '.join(actions)}; arms are {', '.join(ARMS)}; dates are YYYY-MM-DD"
                raise BadInputError(f"{path}, line {number}: {error}; {known}") from error
    return found
