"""Finding the landed files of a batch."""

from datetime import date
from pathlib import Path

from customer_behavior.ingest.source import Source


def landed_files(source: Source, batch_date: date, landing: Path) -> list[Path]:
    """Return the files of a batch in the order of their names; `*` in the source's path matches several.

    A file still being written is not seen when its writer uses a name that the pattern does not match, such as a leading dot.
    """
    return sorted(landing.glob(source.path.format(date=batch_date.isoformat())))
