"""Where the platform's own files are: one place, so that no stage spells a path."""

import os
from pathlib import Path

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
    """Return the folder that sources' path patterns are relative to; `LANDING_DIR` names another."""
    return Path(os.environ.get("LANDING_DIR", REPO_DIR / ".run" / "landing"))
