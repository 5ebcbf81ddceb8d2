"""DuckDB as the engine of a load: typed mapping, event ids and the rollup of what a load delivers, in bounded memory.

Why not pandas or PostgreSQL for it: docs/decisions/0002-duckdb-in-ingest.md.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

MEMORY_LIMIT = "512MB"


@contextmanager
def open_engine(timezone: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB of a load's own; beyond its memory limit it writes to a temporary folder, which goes when the load ends.

    `timezone` is the zone of stamps that carry none.
    """
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        engine = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": MEMORY_LIMIT,
                "threads": min(os.cpu_count() or 1, 4),
                "temp_directory": folder,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "preserve_insertion_order": False,
            },
        )
        try:
            engine.execute(f"SET TimeZone = {quoted(timezone)}")
            # It would go to standard output, among what a command says.
            engine.execute("SET enable_progress_bar = false")
            yield engine
        finally:
            engine.close()


def quoted(text: str) -> str:
    """Return text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
