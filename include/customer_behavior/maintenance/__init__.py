"""Keeping the warehouse small, and forgetting a person."""

from customer_behavior.maintenance.erasure import erase_customer
from customer_behavior.maintenance.operations import run_operation
from customer_behavior.maintenance.retention import apply_retention

__all__ = ["apply_retention", "erase_customer", "run_operation"]
