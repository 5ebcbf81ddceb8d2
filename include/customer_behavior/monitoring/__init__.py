"""The platform watching itself: drift, matured scores, the segments it gets wrong, and who is told."""

from customer_behavior.monitoring.drift import measure_drift
from customer_behavior.monitoring.incidents import raise_incidents
from customer_behavior.monitoring.mail import mark_mailed, pending_mail
from customer_behavior.monitoring.matured import judge_matured

__all__ = ["judge_matured", "mark_mailed", "measure_drift", "pending_mail", "raise_incidents"]
