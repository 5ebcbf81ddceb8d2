"""Connections to the warehouse."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url

from customer_behavior.errors import ConfigurationError
from customer_behavior.names import Role
from customer_behavior.warehouse.faults import spoken
from customer_behavior.warehouse.revision import require_revision

FORM = "give the warehouse as postgresql://user:password@host:port/database"


class Warehouse:
    """A PostgreSQL database that holds the platform's schemas.

    Parameters
    ----------
    url : str
        `postgresql://user:password@host:port/database`; a scheme of `postgres://` is taken too. psycopg2 is used whatever
        driver the URL names, since COPY goes through its cursor.

    Raises
    ------
    ConfigurationError
        When the URL is none of PostgreSQL.
    """

    def __init__(self, url: str) -> None:
        if url.startswith("postgres://"):
            url = "postgresql://" + url.removeprefix("postgres://")
        try:
            parsed = make_url(url)
        except (sa.exc.ArgumentError, ValueError) as error:
            raise ConfigurationError(f"the warehouse's address cannot be read: {FORM}") from error
        if parsed.get_backend_name() != "postgresql":
            raise ConfigurationError(f"the warehouse's address begins with {parsed.drivername}://: {FORM}")
        self.url = parsed.set(drivername="postgresql+psycopg2")
        self._fits = False  # whether its schema was found to be that of this code

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
            raise ConfigurationError(f"WAREHOUSE_URL is not set: {FORM}")
        return cls(url)

    @cached_property
    def engine(self) -> Engine:
        """The engine. Stamps are read and written in UTC.

        Plans are for set work: never compiled (jit costs more than it brings here), and without nested loops, which the planner
        chooses where it takes a joined aggregate for 200 rows and which then turn a second into minutes.
        One connection is kept between transactions, and found out before it is used if the server has ended it meanwhile.
        """
        return sa.create_engine(
            self.url,
            pool_size=1,
            max_overflow=-1,
            pool_pre_ping=True,
            connect_args={
                "options": "-c timezone=UTC -c jit=off -c enable_nestloop=off",
                "application_name": "customer_behavior",
            },
        )

    @contextmanager
    def begin(self, role: str | None = None) -> Iterator[Connection]:
        """Open a transaction as one of the platform's roles (`None`: as the login); commit at the end, roll back on an error.

        Raises
        ------
        WarehouseNotReadyError
            When the warehouse is not migrated, or to another revision than that of this code; looked at once.
        WarehouseError, TemporaryError
            In place of every error of PostgreSQL: see `customer_behavior.warehouse.faults`.
        """
        if role is not None:
            role = Role(role)
        with self.begin_unmigrated() as connection:
            if not self._fits:
                require_revision(connection)
                self._fits = True
            if role is not None:
                connection.execute(sa.text(f"SET LOCAL ROLE {role}"))
            yield connection

    @contextmanager
    def begin_unmigrated(self) -> Iterator[Connection]:
        """Open a transaction as the login on a warehouse of whatever revision: for who migrates it."""
        with spoken(self.url), self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close the connection that is kept: before the database is copied or its server stopped. A next one opens anew."""
        self.engine.dispose()
