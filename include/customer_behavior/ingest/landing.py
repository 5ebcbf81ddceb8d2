"""Finding the landed files of a batch, in a folder or an object store.

A root is a `pathlib.Path`, or what has its `glob`, `open`, `stat`, `suffix`, `parts` and `relative_to`: `UPath` and Airflow's
`ObjectStoragePath`.
"""

from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from customer_behavior.errors import ConfigurationError


class Landed(Protocol):
    """A source or a dimension: `path` is its pattern below the root, with `{date}`."""

    @property
    def path(self) -> str: ...


def landed_files(source: Landed, batch_date: date, landing: Path) -> list[Path]:
    """Return the files of a batch in the order of their names; `*` in the source's path matches several.

    A file still being written is not seen when its writer uses a name that the pattern does not match, such as a leading dot; an
    object appears whole.

    Raises
    ------
    ConfigurationError
        When an object store refuses the listing, or its bucket does not exist; a root without files is none.
    """
    wanted = landing / source.path.format(date=batch_date.isoformat())
    try:
        files = sorted(landing.glob(source.path.format(date=batch_date.isoformat())), key=lambda file: file.parts)
    except FileNotFoundError:  # how some stores say that a folder, or the bucket, is not there
        files = []
    except PermissionError as error:
        raise ConfigurationError(
            f"{wanted}: the store refuses to list it ({error}); check the connection's credentials, and that they may list and read"
        ) from error
    except Exception as error:
        error.add_note(f"while looking for {wanted}; check LANDING_DIR and its connection")
        raise
    if not files and not isinstance(landing, Path):
        _require_bucket(landing)
    return files


def _require_bucket(store: Any) -> None:
    """A bucket that does not exist lists like an empty one."""
    if not store.drive:
        return
    try:
        with suppress(PermissionError):  # credentials may be limited to the folder, which was listed
            store.fs.info(store.drive)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{store}: there is no bucket {store.drive!r} ({error}); correct LANDING_DIR, or the connection's endpoint and region"
        ) from error
