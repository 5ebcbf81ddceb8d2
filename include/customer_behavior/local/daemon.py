"""The stack left running: a supervisor in a session of its own, and the commands that start, ask and end it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from customer_behavior.local import keys, processes
from customer_behavior.local.components import tail
from customer_behavior.local.errors import LocalStackError
from customer_behavior.local.options import StackOptions
from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.local.secrets_file import private_directory, read_json, write_json
from customer_behavior.local.stack import LocalStack, Say

_STATE = "stack.json"


class Stopped(BaseException):
    """A signal asked us to end. Not an Exception: nothing on the way may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


@contextlib.contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Raise :class:`Stopped` on Ctrl-C, kill and a closed terminal; what follows is cleaned up undisturbed."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, _: object) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def only_one(state_dir: Path) -> Iterator[None]:
    """One stack for each state directory; the kernel frees the place when its holder dies."""
    with (private_directory(state_dir) / "stack.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalStackError(
                f"A stack runs on {state_dir} already: `make status` shows it, `make down` ends it."
            ) from None
        yield


def supervise(options: StackOptions) -> None:
    """Run the stack until a signal; start again what dies. This is the process that ``up`` leaves behind."""
    state = options.state_dir / _STATE
    with only_one(options.state_dir), signals_as_exceptions():
        write_json(state, {"pid": os.getpid(), "phase": "starting"})
        stack = LocalStack(options, say=lambda text: write_json(state, {"pid": os.getpid(), "phase": text}))
        try:
            stack.start()
            pause_leftovers(stack)
            ready = {"phase": "ready", "address": stack.api.address, "mlflow": stack.tracking_uri}
            write_json(state, {"pid": os.getpid(), **ready})
            while True:
                time.sleep(2.0)
                stack.heal()
        except Stopped:
            pass
        except Exception as error:
            write_json(state, {"phase": "failed", "reason": str(error)})
            raise
        finally:
            stack.stop()
            if read_json(state).get("phase") != "failed":
                state.unlink(missing_ok=True)


def up(options: StackOptions, say: Say, timeout: float = 240.0) -> dict[str, Any]:
    """Start the supervisor unless it runs, wait until the stack is ready, and return its state."""
    now = status(options.state_dir)
    if now.get("phase") == "ready":
        return now
    log = private_directory(options.state_dir) / "supervisor.log"
    (options.state_dir / _STATE).unlink(missing_ok=True)
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "customer_behavior.local", "--state-dir", str(options.state_dir), "supervise"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + timeout
    said = ""
    try:
        while process.poll() is None and time.monotonic() < deadline:
            now = read_json(options.state_dir / _STATE)
            phase = now.get("phase", "")
            if phase == "ready":
                return now
            if phase != said and phase not in ("", "starting", "failed"):
                say(phase)
                said = phase
            time.sleep(0.2)
    except BaseException:  # Ctrl-C while waiting: the user does not want it any more
        process.terminate()
        process.wait()
        raise
    reason = read_json(options.state_dir / _STATE).get("reason") or tail(log)
    down(options.state_dir)
    raise LocalStackError(
        f"The stack did not start: {reason}\nMore in {log} and {options.state_dir / 'airflow' / 'logs'}"
    )


def down(state_dir: Path) -> bool:
    """End the stack and PostgreSQL, and whatever an earlier stack left behind; return whether anything ran."""
    if not state_dir.exists():
        return False
    ran = False
    pid = status(state_dir).get("pid")
    if pid:
        ran = True
        processes.send([pid], signal.SIGTERM)
        processes.wait_until_gone([pid], 60.0)
    token = keys.load(state_dir).stack_token
    if processes.of_stack(token, ()):
        ran = True
        processes.end_all(lambda: processes.of_stack(token, ()), 3.0)
    postgres = EmbeddedPostgres(state_dir)
    ran = ran or postgres.is_running()
    postgres.stop()
    return ran


def status(state_dir: Path) -> dict[str, Any]:
    """The state that a living supervisor wrote down; empty when there is none."""
    state = read_json(state_dir / _STATE)
    pid = state.get("pid")
    return state if pid and processes.is_alive(pid) and _is_supervisor(pid) else {}


def _is_supervisor(pid: int) -> bool:
    """Whether the id still belongs to a process of ours: ids are used again."""
    import psutil

    with contextlib.suppress(psutil.Error):
        return "customer_behavior.local" in psutil.Process(pid).cmdline()
    return False


def unpause(stack: LocalStack, dag_ids: list[str]) -> None:
    """Let runs of these DAGs start, and remember to pause them again even if we die first.

    Whoever starts the stack later with ``make up`` decides for themselves which DAGs follow their schedule.
    """
    note = stack.options.state_dir / "unpaused.json"
    paused = [dag["dag_id"] for dag in stack.api.dags() if dag["is_paused"] and dag["dag_id"] in dag_ids]
    write_json(note, {"dag_ids": sorted({*read_json(note).get("dag_ids", []), *paused})})
    for dag_id in paused:
        stack.api.set_paused(dag_id, False)


def pause_leftovers(stack: LocalStack) -> None:
    """Pause what :func:`unpause` unpaused."""
    note = stack.options.state_dir / "unpaused.json"
    for dag_id in read_json(note).get("dag_ids", []):
        stack.api.set_paused(dag_id, True)
    note.unlink(missing_ok=True)
