"""Keeping the warehouse small, forgetting a person, and deciding which model serves."""

from customer_behavior.maintenance.erasure import erase_customer
from customer_behavior.maintenance.models import Choice, choices, promote_chosen
from customer_behavior.maintenance.retention import apply_retention

__all__ = ["Choice", "apply_retention", "choices", "erase_customer", "promote_chosen"]
