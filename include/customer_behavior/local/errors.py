"""What can go wrong with the local stack, each said in a sentence a newcomer can act on."""

from customer_behavior.errors import PlatformError


class LocalStackError(PlatformError):
    """The stack cannot do what was asked; the message says why and what to do."""


class PostgresError(LocalStackError):
    """The embedded PostgreSQL could not be initialised, started or stopped."""


class AirflowError(LocalStackError):
    """Airflow did not start, refused a request, or a run of it failed."""
