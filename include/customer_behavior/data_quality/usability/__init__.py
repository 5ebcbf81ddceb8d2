"""Is the data usable? What a careful person would look at before a training, each finding with its fix."""

from customer_behavior.data_quality.usability.finding import Finding, ranked
from customer_behavior.data_quality.usability.inspection import inspect
from customer_behavior.data_quality.usability.sources import inspect_sources

__all__ = ["Finding", "inspect", "inspect_sources", "ranked"]
