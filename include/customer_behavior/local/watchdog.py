"""Ends a local stack whose supervisor died without doing so, by kill -9 for instance.

Reads lines of JSON from standard input, which only the supervisor holds open: ``{"session": pid}`` for each
process it started. ``{"done": true}`` dismisses the watchdog; the end of the input without it means that the
supervisor is gone, and everything it started is ended, PostgreSQL last.

Usage: ``python -m customer_behavior.local.watchdog STATE_DIR STACK_TOKEN``
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from customer_behavior.local import processes
from customer_behavior.local.postgres import EmbeddedPostgres


def main(state_dir: Path, token: str) -> None:
    """Wait for the supervisor's last word, or for its silence."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the supervisor dismisses us; nothing else does
    sessions: set[int] = set()
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("done"):
            return
        sessions.add(message["session"])
    processes.end_all(lambda: processes.of_stack(token, sessions), patience=2.0)
    EmbeddedPostgres(state_dir).stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
