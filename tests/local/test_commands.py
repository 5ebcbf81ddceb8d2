"""The commands as people type them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from customer_behavior.local.options import REPOSITORY
from customer_behavior.local.postgres import EmbeddedPostgres

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("commands") / "state"
    yield path
    EmbeddedPostgres(path).destroy()


@pytest.fixture
def local(state_dir: Path) -> Run:
    """Runs ``python -m customer_behavior.local``."""

    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if name != "WAREHOUSE_URL"}
        return subprocess.run(
            [sys.executable, "-m", "customer_behavior.local", "--state-dir", str(state_dir), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=inherited | {"PYTHONPATH": str(REPOSITORY / "include")} | environment,
        )

    return run


def test_psql_reads_standard_input_and_leaves_nothing_running(local: Run, state_dir: Path) -> None:
    done = local("psql", "-At", stdin="SELECT current_database(), current_user;")
    assert done.stdout == "warehouse|platform\n", done.stderr
    assert done.stderr.startswith("database warehouse is not migrated, it has no table of the platform: `make up`")
    assert done.returncode == 0
    assert not EmbeddedPostgres(state_dir).is_running()


def test_psql_passes_its_failure_on(local: Run) -> None:
    done = local("psql", "-v", "ON_ERROR_STOP=1", stdin="SELECT no_such_column;")
    assert done.returncode == 3
    assert "no_such_column" in done.stderr


def test_psql_leaves_a_server_that_ran_before(local: Run, state_dir: Path) -> None:
    server = EmbeddedPostgres(state_dir)
    server.start()
    try:
        assert local("psql", "-At", stdin="SELECT 1").stdout == "1\n"
        assert server.is_running()
        assert f"process {server.pid}" in local("status").stdout
    finally:
        server.stop()


def test_a_warehouse_of_ones_own_takes_the_embedded_ones_place(local: Run, state_dir: Path, tmp_path: Path) -> None:
    other = EmbeddedPostgres(tmp_path / "other")
    other.start()
    try:
        other.create_database("mine")
        url = other.url("mine").replace("postgresql://", "postgresql+psycopg2://")
        done = local("psql", "-At", stdin="SELECT current_database()", WAREHOUSE_URL=url)
        assert done.stdout == "mine\n", done.stderr
        assert not EmbeddedPostgres(state_dir).is_running()
    finally:
        other.destroy()


def test_down_and_status_with_nothing_running(local: Run) -> None:
    assert local("down").stdout == "Nothing was running.\n"
    assert local("status").stdout == "Airflow:    down\nPostgreSQL: down\n"


def test_down_ends_a_server_left_running(local: Run, state_dir: Path) -> None:
    server = EmbeddedPostgres(state_dir)
    server.start()
    assert local("down").stdout == "Stopped.\n"
    assert not server.is_running()


def test_clean_removes_the_data_wherever_it_is(tmp_path: Path, local: Run) -> None:
    server = EmbeddedPostgres(tmp_path / "other")
    server.start()
    data = server.data_dir
    server.stop()
    assert data.exists()
    done = local("--state-dir", str(tmp_path / "other"), "clean")
    assert done.returncode == 0, done.stderr
    assert not data.exists()
    assert not (tmp_path / "other").exists()


def make(*arguments: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def test_help_names_every_target() -> None:
    listed = make("help").stdout
    for target in ("venv", "run", "test", "up", "down", "status", "psql", "lint", "clean", "lock", "help"):
        assert f"  make {target} " in listed


@pytest.mark.parametrize(("version", "fits"), [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)])
def test_an_unfit_python_is_told_in_a_sentence(tmp_path: Path, version: tuple[int, int], fits: bool) -> None:
    """A Python that says it is ``version``: it answers the Makefile's question, and can do nothing else."""
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").touch()
    python = tmp_path / "some-python"
    python.write_text(
        f"""#!{sys.executable}
import sys
if sys.argv[1] == "--version":
    print("Python {version[0]}.{version[1]}.0")
elif sys.argv[1] == "-c":
    sys.version_info = {(*version, 0, "final", 0)}
    exec(sys.argv[2])
else:
    sys.exit(9)
"""
    )
    python.chmod(0o755)
    done = make("venv", f"PYTHON={python}", cwd=tmp_path)
    assert done.returncode != 0
    sentence = f"This needs Python 3.11, 3.12 or 3.13; {python} is Python {version[0]}.{version[1]}.0."
    assert (sentence in done.stderr) == (not fits)
