"""The one door to PostgreSQL: connections with a role, SQL from files, COPY, locks and the audit of writes."""

from customer_behavior.warehouse.connection import Warehouse
from customer_behavior.warehouse.copying import BATCH_ROWS, copy_arrow, copy_frame
from customer_behavior.warehouse.slices import replace_date, replace_date_by, replace_slice
from customer_behavior.warehouse.sql_files import make_temporary, read_frame, run_sql, sql_text
from customer_behavior.warehouse.writes import audit, ensure_partitions, lock

__all__ = [
    "BATCH_ROWS",
    "Warehouse",
    "audit",
    "copy_arrow",
    "copy_frame",
    "ensure_partitions",
    "lock",
    "make_temporary",
    "read_frame",
    "replace_date",
    "replace_date_by",
    "replace_slice",
    "run_sql",
    "sql_text",
]
