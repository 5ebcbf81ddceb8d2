"""The data directory of the embedded PostgreSQL: made whole or not at all, and freed of a dead server's remains."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from customer_behavior.local import processes
from customer_behavior.local.errors import PostgresError
from customer_behavior.local.postgres_home import Home


def initialise(home: Home, superuser_password: str) -> None:
    """initdb into a draft directory, renamed when whole: an interrupted first start leaves nothing half made.

    Data that is there is removed: the caller has no password for it (``.run`` was removed), so it is of no use.
    """
    processes.end_all(lambda: processes.postgres_on(home.data), 5.0)
    draft = home.directory / "data.new"
    password_file = home.directory / "superuser.password"
    for leftover in (draft, home.data):
        shutil.rmtree(leftover, ignore_errors=True)
    password_file.unlink(missing_ok=True)
    with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(superuser_password)
    home.own(password_file)
    command: list[str | Path] = [home.binaries / "initdb", "--pgdata", draft, "--username=postgres", "--encoding=UTF8"]
    command += ["--auth=scram-sha-256", f"--pwfile={password_file}"]
    # The builtin provider sorts alike on every machine, whatever locales it has.
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **home.process_options())
    finally:
        password_file.unlink(missing_ok=True)
    if done.returncode != 0:
        raise PostgresError(f"initdb failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    draft.rename(home.data)


def end_leftovers(home: Home) -> None:
    """After kill -9 of the server its helpers linger and hold the shared memory; a new one must wait for them."""
    left = processes.wait_until_gone(processes.postgres_on(home.data), 3.0)
    if left:
        processes.end_all(lambda: processes.postgres_on(home.data), 2.0)
    # Nothing runs on the data now. In a container the stale id may well be that of a living process of ours,
    # and PostgreSQL would then refuse to start.
    with contextlib.suppress(FileNotFoundError):
        (home.data / "postmaster.pid").unlink()
