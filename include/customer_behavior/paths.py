"""Where the platform's own files are: one place, so that no stage spells a path."""

import os
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from customer_behavior.errors import ConfigurationError

INCLUDE_DIR = Path(__file__).resolve().parent.parent
REPO_DIR = INCLUDE_DIR.parent
SQL_DIR = INCLUDE_DIR / "sql"
TEMPLATES_DIR = INCLUDE_DIR / "templates"
MIGRATIONS_DIR = INCLUDE_DIR / "migrations"


def config_dir() -> Path:
    """Return the folder of shop, target, action and retention files; `CUSTOMER_BEHAVIOR_CONFIG` names another."""
    return Path(os.environ.get("CUSTOMER_BEHAVIOR_CONFIG", INCLUDE_DIR / "config"))


def sources_dir() -> Path:
    """Return the folder with one YAML a source; `CUSTOMER_BEHAVIOR_SOURCES` names another."""
    return Path(os.environ.get("CUSTOMER_BEHAVIOR_SOURCES", INCLUDE_DIR / "sources"))


def dimensions_dir() -> Path:
    """Return the folder with one YAML a dimension; `CUSTOMER_BEHAVIOR_DIMENSIONS` names another."""
    return Path(os.environ.get("CUSTOMER_BEHAVIOR_DIMENSIONS", INCLUDE_DIR / "dimensions"))


def landing_dir() -> Path:
    """Return the root that sources' path patterns are relative to; `LANDING_DIR` names another, a folder or a URL.

    A URL (`s3://bucket/landing`) gives a `UPath`, which has what ingest asks of a path, with the credentials of the environment.

    Raises
    ------
    ConfigurationError
        When the URL names an Airflow connection, or nothing installed can open a store of its kind.
    """
    url = landing_url()
    return _store(url) if url else Path(os.environ.get("LANDING_DIR", REPO_DIR / ".run" / "landing"))


def landing_url() -> str | None:
    """Return `LANDING_DIR` when it is a URL, as `s3://aws_default@bucket/landing`; None: a plain folder."""
    location = os.environ.get("LANDING_DIR", "")
    return location if "://" in location else None


def _store(url: str) -> Path:
    bare = urlsplit(url)
    if "@" in bare.netloc:
        raise ConfigurationError(
            f"LANDING_DIR={url} names an Airflow connection, and this is no task of Airflow: set it to "
            f"{bare._replace(netloc=bare.netloc.rpartition('@')[2]).geturl()}, with the credentials in the environment"
        )
    from upath import UPath

    try:
        root = UPath(url)
        root.fs.invalidate_cache()  # what it listed earlier in this process
    except (ImportError, ValueError) as error:
        raise ConfigurationError(f"LANDING_DIR={url}: no such store can be opened here ({error})") from error
    return cast("Path", root)
