"""What the end-to-end tests share: rows that can be compared, waiting, and killing what is at work."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import psutil
import psycopg2
import sqlalchemy as sa

from customer_behavior.demo.dates import logical_date
from customer_behavior.local.api import FINISHED, AirflowApi, Json
from customer_behavior.local.errors import AirflowError
from customer_behavior.local.stack import LocalStack
from customer_behavior.warehouse import Warehouse

# What says when and by which run a row was written (`ledger` is a fingerprint of such stamps), and numbers handed out in the
# order of writing; a report's page says how long the training took.
STAMPS = {
    "alert_id", "built_at", "created_at", "decided_at", "decision_id", "evaluated_at", "frozen_at", "html", "ledger",
    "loaded_at",
    "made_from", "mailed_at", "measured_at", "promotion_id", "published_at", "raised_at", "rejected_at", "requested_at", "run_id",
    "run_token", "salt", "scored_at", "set_at", "staged_at", "written_at",
}  # fmt: skip
AUDIT = "monitoring.write_audit"
TRACKING = "models.tracking"
Tables = dict[str, list[str]]

_TABLES = """
    SELECT n.nspname || '.' || c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE n.nspname IN ('raw', 'features', 'models', 'marketing', 'monitoring')
        AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    GROUP BY 1
"""


# --- tables -------------------------------------------------------------------------------------------------------


def read_tables(warehouse: Warehouse) -> Tables:
    """Return every row of every table as text, sorted, without its stamps; the audit and what MLflow was told are left out."""
    with warehouse.begin() as connection:
        found = connection.execute(sa.text(_TABLES)).all()
        return {
            table.name: sorted(
                connection.execute(
                    sa.text(
                        f"SELECT row({', '.join(c for c in table.columns if c not in STAMPS)})::text FROM {table.name}"
                    )
                ).scalars()
            )
            for table in found
            if table.name not in (AUDIT, TRACKING)
        }


def assert_same(actual: Tables, expected: Tables) -> None:
    """Fail with the first rows that differ of each table that does; empty tables would prove nothing."""
    assert actual.keys() == expected.keys()
    differences = []
    for table, rows in expected.items():
        if actual[table] != rows:
            mine, theirs = set(actual[table]), set(rows)
            differences.append(
                f"{table}: {len(actual[table])} rows, expected {len(rows)}; "
                f"only here {sorted(mine - theirs)[:2]}; missing {sorted(theirs - mine)[:2]}"
            )
    assert not differences, "\n".join(differences)
    assert len(expected["raw.events"]) > 1000


def last_audit(warehouse: Warehouse) -> int:
    """Return the number of the newest row of the audit."""
    with warehouse.begin() as connection:
        return connection.execute(sa.text(f"SELECT coalesce(max(audit_id), 0) FROM {AUDIT}")).scalar_one()


def writes_since(warehouse: Warehouse, audit_id: int) -> list[tuple[str, str, int, int]]:
    """Return (table, slice, rows deleted, rows written) of what was written after a row of the audit."""
    with warehouse.begin() as connection:
        rows = connection.execute(
            sa.text(
                f"SELECT table_name, slice, rows_deleted, rows_written FROM {AUDIT} WHERE audit_id > :after ORDER BY audit_id"
            ),
            {"after": audit_id},
        )
        return [tuple(row) for row in rows]


# --- runs ---------------------------------------------------------------------------------------------------------


PATIENCE = 3.0 if "PYTEST_XDIST_WORKER" in os.environ else 1.0
"""How many times longer a wait may take beside other tests than on an idle machine."""


def patiently(ask: Callable[[], Any], seconds: float, what: str) -> Any:
    """Ask until the answer is true and return it; an API that is down meanwhile is asked again."""
    deadline = time.monotonic() + PATIENCE * seconds
    while True:
        with contextlib.suppress(AirflowError):
            answer = ask()
            if answer:
                return answer
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE * seconds:.0f} s"
        time.sleep(0.3)


def finished(stack: LocalStack, dag_id: str, run_id: str, seconds: float = 120.0) -> Json:
    """Wait for the end of a run, starting again what dies, and return it."""

    def look() -> Json | None:
        stack.heal()
        run = stack.api.run(dag_id, run_id)
        return run if run["state"] in FINISHED else None

    return patiently(look, seconds, f"{dag_id} {run_id}")


def succeeded(stack: LocalStack, dag_id: str, run_id: str, seconds: float = 120.0) -> list[Json]:
    """Wait for a run to succeed and return its task instances."""
    state = finished(stack, dag_id, run_id, seconds)["state"]
    tasks = patiently(lambda: stack.api.tasks(dag_id, run_id), 10.0, "the tasks")
    assert state == "success", [(task["task_id"], task["state"], errors(stack.api, task)) for task in tasks]
    return tasks


def trigger_for(api: AirflowApi, dag_id: str, as_of: date, **form: Any) -> str:
    """Start a run by hand without a logical date, for an as-of date."""
    return api.trigger(dag_id, conf={"as_of_date": str(as_of), **form})


def trigger_on(api: AirflowApi, dag_id: str, day: date, **form: Any) -> str:
    """Start a run by hand with the shop-local day's logical date."""
    return api.trigger(dag_id, logical_date=logical_date(day), conf=form)


def errors(api: AirflowApi, task: Json) -> str:
    """Return what a task's last attempt logged of its errors."""
    found = []
    for line in api.task_log(task):
        found += [f"{error.get('exc_type')}: {error.get('exc_value')}" for error in line.get("error_detail") or []]
        if line.get("level") in ("error", "critical"):
            found.append(str(line.get("event")))
    return "\n".join(found)


# --- killing ------------------------------------------------------------------------------------------------------


class Held:
    """A lock in our hands: the task that needs it waits, at work and in the middle of a transaction."""

    def __init__(self, warehouse: Warehouse, statement: str, parameters: tuple[Any, ...] = ()) -> None:
        self._warehouse = warehouse
        self._connection = psycopg2.connect(
            warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
        )
        with self._connection.cursor() as cursor:
            cursor.execute(statement, parameters)

    def tasks(self) -> list[int]:
        """Return the ids of the live processes that wait for a lock, the longest wait first."""
        with self._warehouse.begin() as connection:
            ports = connection.execute(
                sa.text(
                    "SELECT client_port FROM pg_stat_activity WHERE datname = current_database()"
                    " AND wait_event_type = 'Lock' AND application_name = 'customer_behavior' ORDER BY query_start"
                )
            ).scalars()
            return [pid for pid in map(process_of, ports) if pid]

    def wait_for_tasks(self, count: int = 1, *, other_than: Sequence[int] = (), seconds: float = 60.0) -> list[int]:
        """Wait until so many tasks wait for a lock and return their process ids."""

        def look() -> list[int] | None:
            found = [pid for pid in self.tasks() if pid not in other_than]
            return found if len(found) >= count else None

        return patiently(look, seconds, f"{count} waiting task(s)")

    def release(self) -> None:
        """Let go; a connection that a crash of the server ended has let go already."""
        with contextlib.suppress(psycopg2.Error):
            self._connection.close()


@contextlib.contextmanager
def hold_lock(warehouse: Warehouse, name: str) -> Iterator[Held]:
    """Hold what `customer_behavior.warehouse.lock` takes for `name`: a task waits before its first write."""
    held = Held(warehouse, "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (name,))
    try:
        yield held
    finally:
        held.release()


@contextlib.contextmanager
def hold_audit(warehouse: Warehouse) -> Iterator[Held]:
    """Hold the audit of writes: a task waits after it has replaced rows and before it commits."""
    held = Held(warehouse, f"LOCK TABLE {AUDIT} IN ACCESS EXCLUSIVE MODE")
    try:
        yield held
    finally:
        held.release()


def process_of(port: int) -> int | None:
    """Return the live process whose end of a connection to 127.0.0.1 has the port; None when it is gone."""
    for connection in psutil.net_connections("tcp"):
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_ESTABLISHED:
            return connection.pid
    return None


def kill_9(pid: int) -> None:
    """End a process as an out-of-memory killer would."""
    os.kill(pid, signal.SIGKILL)
