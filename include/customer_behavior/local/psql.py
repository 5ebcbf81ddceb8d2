"""``make psql``: the warehouse at a prompt, or fed from standard input."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence

from customer_behavior.errors import PlatformError
from customer_behavior.local import daemon
from customer_behavior.local.errors import LocalStackError
from customer_behavior.local.options import StackOptions, plain_url
from customer_behavior.local.postgres import WAREHOUSE, EmbeddedPostgres
from customer_behavior.local.postgres_home import wheel_install
from customer_behavior.warehouse import Warehouse


def open_warehouse(options: StackOptions, arguments: Sequence[str]) -> int:
    """Run psql on the warehouse and return its exit code.

    An embedded server that is down is started, and stopped afterwards unless somebody else came to use it.
    """
    own = options.warehouse_url is None
    server = EmbeddedPostgres(options.state_dir, options.postgres_settings)
    started = own and not server.is_running()
    if started:
        server.start()
    try:
        url = plain_url(options.warehouse_url or server.url(WAREHOUSE))
        _say_if_not_ready(url)
        program = shutil.which("psql") if not own else None
        # The address goes by the environment: an argument would show the password in `ps`.
        parts = _pg_environment(url)
        command = [program or str(wheel_install() / "bin" / "psql"), *arguments]
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # at its prompt, Ctrl-C is for psql, which sets its own handler
        try:
            return subprocess.run(command, env=os.environ | parts, check=False).returncode
        except OSError as error:
            raise LocalStackError(f"psql could not be started: {error}") from error
    finally:
        if started and not daemon.status(options.state_dir) and not server.in_use():
            server.stop()


def _say_if_not_ready(url: str) -> None:
    """Say what is amiss with the warehouse, and go on: psql may be what mends it."""
    warehouse = Warehouse(url)
    try:
        with warehouse.begin():
            pass
    except PlatformError as error:
        sys.stderr.write(f"{error}\n")
    finally:
        warehouse.close()


def _pg_environment(url: str) -> dict[str, str]:
    from sqlalchemy.engine import make_url

    parts = make_url(url)
    known = {
        "PGHOST": parts.host,
        "PGPORT": str(parts.port) if parts.port else None,
        "PGUSER": parts.username,
        "PGPASSWORD": str(parts.password) if parts.password else None,
        "PGDATABASE": parts.database,
        "PGSSLMODE": parts.query.get("sslmode"),
        "PGAPPNAME": "make psql",
    }
    return {name: str(value) for name, value in known.items() if value}
