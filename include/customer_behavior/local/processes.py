"""Finding and ending processes, so that nothing outlives the command that started it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
STACK_TOKEN = "CUSTOMER_BEHAVIOR_STACK_TOKEN"


def signal_on_parent_death(death_signal: int) -> Callable[[], None] | None:
    """A ``preexec_fn`` that has the kernel send ``death_signal`` when the parent dies, even by kill -9.

    Linux only. The kernel watches the *thread* that forked, so a helper thread gets none: its end would
    stop a child that is still wanted.
    """
    if not sys.platform.startswith("linux") or threading.current_thread() is not threading.main_thread():
        return None
    libc = ctypes.CDLL(None, use_errno=True)  # loaded before the fork: loading after it could deadlock
    parent = os.getpid()

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # died between the fork and this line
            os.kill(os.getpid(), death_signal)

    return arm


def is_alive(pid: int) -> bool:
    """Whether a process runs under this id; a zombie does not."""
    with contextlib.suppress(psutil.Error):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def wait_until_gone(pids: Iterable[int], timeout: float) -> list[int]:
    """Wait for all of ``pids`` to end; return those that have not after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    left = [pid for pid in pids if is_alive(pid)]
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = [pid for pid in left if is_alive(pid)]
    return left


def send(pids: Iterable[int], number: int) -> None:
    """Signal each process; one that ended meanwhile is no error."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def of_stack(token: str, sessions: Collection[int]) -> list[int]:
    """Every live process of a stack, whatever its name: by session, and by the token in its environment.

    Airflow's workers and tasks rename themselves, which overwrites the environment the kernel shows, but they
    stay in their session. What a task starts may open a session of its own, but inherits the token.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if os.getsid(process.pid) in sessions or process.environ().get(STACK_TOKEN) == token:
                found.append(process.pid)
    return found


def postgres_on(data: Path) -> list[int]:
    """The PostgreSQL processes whose working directory is ``data`` (every one of them keeps it so)."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and process.name().startswith("postgres") and Path(process.cwd()) == data:
                found.append(process.pid)
    return found


def end_all(find: Callable[[], list[int]], patience: float) -> None:
    """SIGTERM what ``find`` returns, then SIGKILL what is left, until it returns nothing."""
    send(find(), signal.SIGTERM)
    wait_until_gone(find(), patience)
    for _ in range(20):  # a process that forks while being ended needs another round
        left = find()
        if not left:
            return
        send(left, signal.SIGKILL)
        wait_until_gone(left, 2.0)


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``path``; the kernel lets go of it when the holder dies."""
    import fcntl

    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
