"""The processes of a local Airflow, each with a session and a log file of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from customer_behavior.local import processes
from customer_behavior.local.errors import AirflowError

AIRFLOW_COMMANDS: Mapping[str, Sequence[str]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),  # logs are read from the same disk
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}


class Component:
    """One long-running process of the stack."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self.command = list(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> int:
        """Start it and return its process id, which is its session's too."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".previous.log"))
        with os.fdopen(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            self._process = subprocess.Popen(
                self.command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=processes.signal_on_parent_death(signal.SIGKILL),
            )
        return self._process.pid

    @property
    def pid(self) -> int | None:
        """The process id, or None while it is down."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def session(self) -> int | None:
        """The session of its last start, where children of its own may live on; None before the first."""
        return self._process.pid if self._process is not None else None

    def wait(self) -> int:
        """Wait for a process that ends by itself, and return its code."""
        assert self._process is not None, "start() comes first"
        return self._process.wait()

    def kill(self) -> None:
        """kill -9 the process itself, and nothing it started."""
        if self.pid is not None and self._process is not None:
            self._process.kill()
            self._process.wait()

    def require_alive(self) -> None:
        """Raise, with the end of its log, if it has ended."""
        if self.pid is None:
            code = self._process.returncode if self._process else None
            raise AirflowError(
                f"Airflow's {self.name} ended with code {code}; the end of {self.log}:\n{tail(self.log)}"
            )


def airflow(*arguments: str) -> list[str]:
    """The ``airflow`` command line, in the interpreter that runs us."""
    return [sys.executable, "-m", "airflow", *arguments]


def tail(path: Path, lines: int = 25) -> str:
    """The last lines of a file, for a message."""
    if not path.exists():
        return "(no such file)"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
