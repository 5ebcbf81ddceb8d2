"""Figures as pictures that a page can hold in itself."""

import base64
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE, GREY, GREEN = "#2563a8", "#c2570c", "#6b7280", "#2e7d4f"
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e5e7eb",
    "savefig.facecolor": "white",
    "svg.hashsalt": "report",  # the same figure, the same bytes
}


@dataclass(frozen=True)
class Chart:
    """A picture with what it shows in words, for who cannot see it, and how to read it."""

    title: str
    source: str
    alt: str
    note: str


def new_figure(width: float = 6.0, height: float = 4.0) -> tuple[Figure, Axes]:
    """Return a figure of its own, without pyplot, and its axes; sizes in inches."""
    with rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.add_subplot()


def picture(figure: Figure, kind: Literal["svg", "png"] = "svg") -> str:
    """Return a figure as a data URI. A PNG is smaller where there are thousands of points."""
    buffer = BytesIO()
    with rc_context(STYLE):
        if kind == "svg":
            figure.savefig(buffer, format="svg", metadata={"Date": None})
        else:
            figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None}, bbox_inches="tight")
    mime = {"svg": "image/svg+xml", "png": "image/png"}[kind]
    return f"data:{mime};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def plain(text: str, limit: int = 60) -> str:
    """Return text as matplotlib writes it letter by letter: a dollar sign would begin a formula; cut at `limit`."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return (text if len(text) <= limit else text[: limit - 1] + "…").replace("$", r"\$")
