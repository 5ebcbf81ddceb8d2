"""The platform watching itself: drift, matured scores, the segments it gets wrong, and who is told."""

from customer_behavior.monitoring.drift.features import measure_drift
from customer_behavior.monitoring.incidents.alerts import raise_incidents
from customer_behavior.monitoring.incidents.mail import mark_mailed, pending_mail
from customer_behavior.monitoring.performance.matured import judge_matured

__all__ = ["judge_matured", "mark_mailed", "measure_drift", "pending_mail", "raise_incidents"]
