"""The command line: migrate a warehouse, land the demonstration data."""

import argparse
import sys

from customer_behavior.errors import PlatformError
from customer_behavior.paths import landing_dir


def main(arguments: list[str] | None = None) -> None:
    """Run one command; an error meant for a person is printed as its sentence, with exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m customer_behavior", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the warehouse at WAREHOUSE_URL to the newest schema")
    commands.add_parser("land-demo", help="write the demonstration data into LANDING_DIR as daily files")
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "migrate":
            _migrate()
        else:
            _land_demo()
    except PlatformError as error:
        sys.exit(f"error: {error}")


def _migrate() -> None:
    from customer_behavior.warehouse import Warehouse
    from customer_behavior.warehouse.migrate import upgrade

    warehouse = Warehouse.from_environment()
    print(f"warehouse at revision {upgrade(warehouse.url.render_as_string(hide_password=False))}")


def _land_demo() -> None:
    from customer_behavior.demo.complete_journey import land

    print(f"{land(landing_dir())} files written to {landing_dir()}")
