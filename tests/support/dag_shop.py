"""The till's shop in a warehouse of its own, whose days are loaded by runs of `ingest_events`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from customer_behavior.warehouse import Warehouse
from support import small_shop
from support.airflow_process import AirflowProcess, Run
from support.stack_shop import Tables, read_tables

INGESTED = ("raw.events", "raw.duplicate_events", "raw.rejected_events", "raw.ingest_batches", "features.customer_day")
# rows of a batch that the ledger counts and the tables hold, and what it read and the sum of what became of it
ACCOUNT = """
    SELECT ledger.batch_date, ledger.source, rows_accepted, rows_rejected, rows_duplicate,
        (SELECT count(*) FROM raw.events AS e WHERE e.batch_date = ledger.batch_date AND e.source = ledger.source),
        (SELECT count(*) FROM raw.rejected_events AS r WHERE r.batch_date = ledger.batch_date AND r.source = ledger.source),
        (SELECT count(*) FROM raw.duplicate_events AS d WHERE d.batch_date = ledger.batch_date AND d.source = ledger.source),
        rows_read, rows_accepted + rows_rejected + rows_duplicate
    FROM raw.ingest_batches AS ledger
"""


class DagShop:
    """A shop of `folder` and the database at `warehouse`."""

    def __init__(self, airflow: AirflowProcess, warehouse: Warehouse, folder: Path) -> None:
        self.airflow = airflow
        self.warehouse = warehouse
        self.folder = folder
        self.landing = folder / "landing"
        self.landed: dict[date, int] = {}
        self.configure()

    @property
    def url(self) -> str:
        """Address of the warehouse, with its password."""
        return self.warehouse.url.render_as_string(hide_password=False)

    def configure(self, **source: object) -> None:
        """Write the shop's configuration, `source` over the till's."""
        self.environment = small_shop.configure(self.folder, source)

    def land(self, day: date, lines: Iterable[dict | str]) -> Path:
        """Land the file of a day, in place of one that is there."""
        lines = list(lines)
        self.landed[day] = len(lines)
        return small_shop.land(self.landing, day, lines)

    def run(self, day: date, dag_id: str = "ingest_events", **form: object) -> Run:
        """Run a DAG by hand for a logical date."""
        return self.airflow.run(dag_id, on=day, form=form, warehouse_url=self.url, environment=self.environment)

    def load(self, *days: date) -> None:
        """Load days one after the other; each run succeeds, and accounts for every line that was landed."""
        for day in days:
            run = self.run(day)
            assert run.state == "success", run.log[-6000:]
            assert self.query(
                f"SELECT rows_read FROM raw.ingest_batches WHERE batch_date = '{day}' AND source = 'till'"
            ) == [(self.landed.get(day, 0),)]
            for row in self.query(ACCOUNT):
                assert row[2:5] == row[5:8], f"the ledger and the tables differ: {row}"
                assert row[8] == row[9]

    def fail(self, day: date, task: str) -> str:
        """Run a day that fails in `task`; return what the run logged."""
        run = self.run(day)
        assert (run.state, run.tasks[task]) == ("failed", "failed"), run.log[-6000:]
        return run.log

    def query(self, statement: str) -> list[tuple]:
        """Return the rows of a statement."""
        with self.warehouse.begin() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement))]

    def tables(self) -> Tables:
        """Return what ingest has written, row by row as text, without when and by which run."""
        found = read_tables(self.warehouse)
        assert found["raw.events"], "empty tables prove nothing"
        return {name: found[name] for name in INGESTED}

    def bytes_of(self, condition: str = "true") -> dict[str, list[str]]:
        """Return whole rows that meet a condition, stamps and all."""
        return {
            name: [row for (row,) in self.query(f"SELECT t::text FROM {name} AS t WHERE {condition} ORDER BY 1")]
            for name in INGESTED
        }
