"""Connections to the warehouse."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.pool import NullPool

from customer_behavior.errors import ConfigurationError

ROLES = ("ingest", "train", "score", "api", "marketing_reader")


class Warehouse:
    """A PostgreSQL database that holds the platform's schemas.

    Parameters
    ----------
    url : str
        `postgresql://user:password@host:port/database`; a scheme of `postgres://` is taken too. psycopg2 is used whatever
        driver the URL names, since COPY goes through its cursor.
    """

    def __init__(self, url: str) -> None:
        if url.startswith("postgres://"):
            url = "postgresql://" + url.removeprefix("postgres://")
        self.url = make_url(url).set(drivername="postgresql+psycopg2")

    @classmethod
    def from_environment(cls) -> "Warehouse":
        """Return the warehouse that `WAREHOUSE_URL` names.

        Raises
        ------
        ConfigurationError
            When the variable is not set.
        """
        url = os.environ.get("WAREHOUSE_URL")
        if not url:
            raise ConfigurationError(
                "WAREHOUSE_URL is not set: give the warehouse as postgresql://user:password@host:port/database"
            )
        return cls(url)

    @cached_property
    def engine(self) -> Engine:
        """The engine. Stamps are read and written in UTC.

        Plans are for set work: never compiled (jit costs more than it brings here), and without nested loops, which the planner
        chooses where it takes a joined aggregate for 200 rows and which then turn a second into minutes.
        """
        return sa.create_engine(
            self.url,
            poolclass=NullPool,
            connect_args={
                "options": "-c timezone=UTC -c jit=off -c enable_nestloop=off",
                "application_name": "customer_behavior",
            },
        )

    @contextmanager
    def begin(self, role: str | None = None) -> Iterator[Connection]:
        """Open a transaction as one of the platform's roles (`None`: as the login); commit at the end, roll back on an error."""
        with self.engine.begin() as connection:
            if role is not None:
                if role not in ROLES:
                    raise ValueError(f"role {role!r} is none of {', '.join(ROLES)}")
                connection.execute(sa.text(f"SET LOCAL ROLE {role}"))
            yield connection
