"""A mail server that delivers nowhere: every message becomes an ``.eml`` file to look at.

Usage: ``python -m customer_behavior.local.mail_sink PORT DIRECTORY``
"""

from __future__ import annotations

import itertools
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller


class FileSink:
    """Writes each message it is handed to a file of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count(1)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Store one message; written under a draft name first, so that a reader never sees half of it."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        target = self._directory / f"{stamp}-{next(self._numbers):03d}.eml"
        draft = target.with_suffix(".new")
        draft.write_bytes(envelope.content)
        draft.rename(target)
        return "250 OK"


def main(port: int, directory: Path) -> None:
    """Serve until ended by a signal."""
    directory.mkdir(parents=True, exist_ok=True)
    Controller(FileSink(directory), hostname="127.0.0.1", port=port).start()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
