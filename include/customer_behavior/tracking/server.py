"""The MLflow server named by the environment, asked with a bounded wait."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from customer_behavior.tracking.record import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient

ADDRESS = "MLFLOW_TRACKING_URI"
PUBLIC_ADDRESS = "MLFLOW_BASE_URL"  # ours, beside AIRFLOW_BASE_URL: where people open the UI

# MLflow's own defaults wait 120 s and try eight times, which would keep a night waiting for minutes at each request.
_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

logger = logging.getLogger(__name__)


def address() -> str | None:
    """The server's address, or None where there is none: tracking is off then."""
    return os.environ.get(ADDRESS, "").strip().rstrip("/") or None


def page(path: str) -> str:
    """The address of a page of the UI, as people reach it and without credentials."""
    base = os.environ.get(PUBLIC_ADDRESS, "").strip().rstrip("/") or without_credentials(address() or "")
    return f"{base}/#/{path}"


def without_credentials(url: str) -> str:
    """``url`` without user and password, for messages and links."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@contextmanager
def asking(what: str) -> Iterator[MlflowClient]:
    """A client of the server; whatever goes wrong inside becomes a :class:`TrackingError` that says ``what`` failed.

    A request waits for 10 s and is tried twice (``MLFLOW_HTTP_REQUEST_TIMEOUT``, ``MLFLOW_HTTP_REQUEST_MAX_RETRIES``);
    the first that fails ends it all.
    """
    url = address()
    if url is None or urlsplit(url).scheme not in ("http", "https"):
        raise TrackingError(f"{what}: {ADDRESS} has to be the http:// or https:// address of an MLflow server")
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    try:
        yield MlflowClient(tracking_uri=url, registry_uri=url)
    except (MlflowException, RequestException, OSError) as error:
        reason = " ".join(str(error).replace(url, without_credentials(url)).split())
        raise TrackingError(
            f"{what}: MLflow at {without_credentials(url)} does not do it: {reason[:500]}. "
            f"Look at its log, and at {ADDRESS}; it is tried again with the next training."
        ) from error
