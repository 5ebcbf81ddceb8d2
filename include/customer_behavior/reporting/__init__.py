"""The report of a training as one self-contained page, and the pages that were kept.

What draws is imported when it is first asked for: who only shows pages that were kept loads neither pandas nor matplotlib.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from customer_behavior.reporting.data import ReportData
    from customer_behavior.reporting.page import render

__all__ = ["ReportData", "render"]

_HOMES = {"ReportData": "data", "render": "page"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
