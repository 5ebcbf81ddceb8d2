"""The one door to PostgreSQL: connections with a role, SQL from files, COPY, locks and the audit of writes."""

from customer_behavior.warehouse.connection import Warehouse
from customer_behavior.warehouse.sql_files import read_frame, run_sql, sql_text
from customer_behavior.warehouse.writes import audit, copy_arrow, copy_frame, copy_text, ensure_partitions, lock

__all__ = [
    "Warehouse",
    "audit",
    "copy_arrow",
    "copy_frame",
    "copy_text",
    "ensure_partitions",
    "lock",
    "read_frame",
    "run_sql",
    "sql_text",
]
