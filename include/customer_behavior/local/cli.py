"""The commands behind the Makefile: ``python -m customer_behavior.local up|down|psql|clean|status``."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from customer_behavior.errors import PlatformError
from customer_behavior.local import daemon
from customer_behavior.local.mlflow_server import answers
from customer_behavior.local.options import REPOSITORY, StackOptions
from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.local.psql import open_warehouse
from customer_behavior.tracking.server import without_credentials

UI_PORT = 8080
MLFLOW_PORT = 5000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m customer_behavior.local", description=__doc__)
    parser.add_argument("--state-dir", type=Path, default=REPOSITORY / ".run", help="where everything is written")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the stack and leave it running")
    commands.add_parser("down", help="end the stack and PostgreSQL")
    commands.add_parser("status", help="say what runs")
    commands.add_parser("clean", help="end the stack and remove all its data")
    commands.add_parser("supervise", help="what `up` leaves behind")
    commands.add_parser("psql", help="open the warehouse; further arguments are psql's own", add_help=False)
    options, others = parser.parse_known_args(arguments)
    if others and options.command != "psql":
        parser.error(f"{options.command} takes no {' '.join(others)}")
    return guarded(lambda: _run(options.command, options.state_dir.absolute(), others))


def guarded(command: Callable[[], int]) -> int:
    """Run a command; an error meant for a person is printed as its sentence. Return the exit code."""
    try:
        with daemon.signals_as_exceptions():
            return command()
    except PlatformError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except daemon.Stopped as stopped:
        print(f"\nEnded: {stopped}.", file=sys.stderr)
        return stopped.exit_code


def stack_options(state_dir: Path) -> StackOptions:
    """Return what the environment says of the stack below `state_dir`."""
    return StackOptions(
        state_dir=state_dir,
        warehouse_url=os.environ.get("WAREHOUSE_URL") or None,
        tracking_uri=os.environ.get("MLFLOW_TRACKING_URI"),
        api_port=UI_PORT,
        mlflow_port=MLFLOW_PORT,
    )


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def _run(command: str, state_dir: Path, arguments: list[str]) -> int:
    stack = stack_options(state_dir)
    if command == "up":
        return _up(stack)
    if command == "supervise":
        daemon.supervise(stack)
        return 0
    if command == "psql":
        return open_warehouse(stack, arguments)
    if command == "status":
        return _status(state_dir)
    ran = daemon.down(state_dir)
    if command == "clean":
        if state_dir.exists():
            EmbeddedPostgres(state_dir).destroy()
            shutil.rmtree(state_dir)
        say("Removed the local stack's data.")
    else:
        say("Stopped." if ran else "Nothing was running.")
    return 0


def _up(options: StackOptions) -> int:
    shown = options.state_dir / "password.shown"
    state = daemon.up(options, say)
    password_file = options.state_dir / "airflow" / "passwords.json"
    say(f"Airflow:   {state['address']}  (user admin)")
    if shown.exists():
        say(f"Password:  in {password_file}")
    else:
        from customer_behavior.local import keys

        say(f"Password:  {keys.load(options.state_dir).admin_password}  (shown this once; kept in {password_file})")
        shown.touch()
    say(f"MLflow:    {_mlflow(options.state_dir, state)}")
    say("Warehouse: make psql      Stop: make down")
    return 0


def _status(state_dir: Path) -> int:
    state = daemon.status(state_dir)
    if state:
        say(f"Airflow:    {state['phase']}  {state.get('address', '')}  supervisor {state['pid']}")
        say(f"MLflow:     {_mlflow(state_dir, state)}")
    else:
        say("Airflow:    down")
    server = EmbeddedPostgres(state_dir)
    say(f"PostgreSQL: port {server.port}, process {server.pid}" if server.is_running() else "PostgreSQL: down")
    return 0


def _mlflow(state_dir: Path, state: Mapping[str, Any]) -> str:
    address = state.get("mlflow")
    if not address:
        return "off" if address == "" else "not started yet"
    shown = without_credentials(address)
    log = state_dir / "airflow" / "logs" / "mlflow.log"
    return f"{shown}  (no login)" if answers(address) else f"{shown} does not answer yet; the log of ours is {log}"
