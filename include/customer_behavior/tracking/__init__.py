"""What MLflow shows of the models: runs, registered versions, and the alias of the one that serves.

The warehouse decides (``models.promotions``) and keeps the models themselves; MLflow is a mirror for people. It is told when the
environment variable ``MLFLOW_TRACKING_URI`` names a server. :class:`TrackingError` says that the mirror could not be reached or
refused; nothing else fails because of it, and both functions may be called again with the same arguments.
"""

from customer_behavior.tracking.champions import Mirrored, mirror_champions
from customer_behavior.tracking.record import Logged, TrackingError, TrainingRecord, registered_name
from customer_behavior.tracking.runs import log_training

__all__ = [
    "Logged",
    "Mirrored",
    "TrackingError",
    "TrainingRecord",
    "log_training",
    "mirror_champions",
    "registered_name",
]
