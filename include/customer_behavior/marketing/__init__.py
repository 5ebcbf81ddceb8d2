"""The contract with marketing: assembled, checked, and swapped in, in one transaction."""

from customer_behavior.marketing.contract import publish as run

__all__ = ["run"]
