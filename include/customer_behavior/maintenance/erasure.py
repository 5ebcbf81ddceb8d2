"""Forgetting a person: every row about them goes, in one transaction.

The landed files are not the platform's to change: a batch loaded again brings back what its file still holds, so the
person has to go from the files as well.
"""

import logging
import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.errors import ConfigurationError
from customer_behavior.warehouse import Warehouse, audit, lock, run_sql

log = logging.getLogger(__name__)

REJECTED = "raw.rejected_events"
ERASED_PIECE = "erasure of a person"  # the audit must not remember whom


def erase_customer(
    warehouse: Warehouse, customer_id: str, dry_run: bool = True, *, run_id: str | None = None
) -> dict[str, Any]:
    """Remove a customer from every table, or count what would go; return {"dry_run", "rows": {table: rows}}.

    Every table with a column customer_id loses the customer's rows. The ledger counts them out, so that it stays equal
    to the tables. A rejected line that names the customer keeps its place and reason, not its text.

    Raises
    ------
    ConfigurationError
        When no customer is named.
    """
    if not customer_id or not customer_id.strip():
        raise ConfigurationError("customer_id is empty: name the customer to erase, exactly as in the warehouse")
    with warehouse.begin() as connection:
        lock(connection, "maintenance")
        rows: dict[str, int] = {}
        if not dry_run:
            run_sql(connection, "maintenance/count_out_of_ledger", customer_id=customer_id)
        for table in run_sql(connection, "maintenance/tables_of_customers").scalars().all():
            rows[table] = _erase(connection, table, customer_id, dry_run)
        rows[REJECTED] = _blank_rejected(connection, customer_id, dry_run)
        if not dry_run:
            for table, n in rows.items():
                if n:
                    audit(connection, table, ERASED_PIECE, n, 0, run_id)
    found = {table: n for table, n in rows.items() if n}
    log.info("erasure%s: rows %s", " (dry run)" if dry_run else "", found)
    return {"dry_run": dry_run, "rows": rows}


def _erase(connection: Connection, table: str, customer_id: str, dry_run: bool) -> int:
    where = f"FROM {table} WHERE customer_id = :customer_id"
    if dry_run:
        return connection.execute(sa.text(f"SELECT count(*) {where}"), {"customer_id": customer_id}).scalar_one()
    return connection.execute(sa.text(f"DELETE {where}"), {"customer_id": customer_id}).rowcount


def _blank_rejected(connection: Connection, customer_id: str, dry_run: bool) -> int:
    # The id as a word of its own: customer 12 is not in 2012.
    word = rf"(^|[^[:alnum:]]){re.escape(customer_id)}([^[:alnum:]]|$)"
    purpose = "maintenance/count_rejected" if dry_run else "maintenance/blank_rejected"
    result = run_sql(connection, purpose, word=word)
    return result.scalar_one() if dry_run else result.rowcount
