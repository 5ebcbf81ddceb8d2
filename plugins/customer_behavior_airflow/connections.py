"""Airflow's connections, each by its name."""

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from customer_behavior.errors import ConfigurationError


def connection(name: str, purpose: str) -> Connection:
    """Return a connection; without one, a ConfigurationError says what it is for and how to add it."""
    try:
        return Connection.get(name)
    except AirflowNotFoundException as error:
        raise ConfigurationError(
            f"{purpose}: there is no Airflow connection {name!r}; add it under Admin, Connections, or as AIRFLOW_CONN_{name.upper()}"
        ) from error
