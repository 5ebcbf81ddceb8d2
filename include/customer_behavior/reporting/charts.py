"""The charts of how good a model is; none where there is nothing to draw."""

from itertools import cycle
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import precision_recall_curve, roc_curve

from customer_behavior.evaluation.metrics import average_precision, mean
from customer_behavior.evaluation.thresholds import outcome_of
from customer_behavior.reporting.data import SERVED, ReportData
from customer_behavior.reporting.images import BLUE, GREEN, GREY, ORANGE, Chart, new_figure, picture, plain
from customer_behavior.reporting.words import money, name, number, percent

COLOURS = (ORANGE, GREEN, "#7c4d9e", "#a07d00", "#0e7c86", "#a33b6b")
Place = Literal["best", "upper left", "upper right", "lower right"]
POINTS = 200
"""Points that a curve is drawn with at most."""


def roc(data: ReportData) -> Chart:
    """Return the ROC curve of each contender that ranks."""
    figure, axes = new_figure(5.2, 4.4)
    for contender, predicted, style in _drawn(data):
        false, true, _ = roc_curve(data.label, predicted, sample_weight=data.weight)
        thin = _thin(len(false))
        axes.plot(false[thin], true[thin], label=plain(_label(data, contender, "auc")), **style)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="Chance")
    _shares(axes, "Of those it did not come true for: share contacted", "Of those it came true for: share reached")
    _legend(axes, "lower right")
    return Chart(
        "ROC curve",
        picture(figure),
        f"ROC curve. The area under the curve of the served model is {number(data.served_row.get('auc'))}; 0.5 is chance.",
        "The further a curve bends to the upper left, the better it tells the two groups apart. In brackets: the area under it.",
    )


def precision_recall(data: ReportData) -> Chart:
    """Return the precision-recall curve of each contender that ranks."""
    figure, axes = new_figure(5.2, 4.4)
    for contender, predicted, style in _drawn(data):
        precision, recall, _ = precision_recall_curve(data.label, predicted, sample_weight=data.weight)
        thin = _thin(len(recall) - 1)  # the last point is made up: nobody contacted, precision 1
        axes.step(recall[thin], precision[thin], where="post", label=plain(_label(data, contender, "pr_auc")), **style)
    rate = mean(data.label, data.weight)
    axes.axhline(rate, color=GREY, linestyle=":", label=f"Chance ({percent(rate)})")
    _shares(axes, "Recall: share of all that came true which is reached", "Precision: share of contacts that came true")
    _legend(axes, "upper right")
    value = average_precision(data.label, data.prediction, data.weight)
    return Chart(
        "Precision and recall",
        picture(figure),
        f"Precision against recall. The average precision of the served model is {number(value)}; chance is {number(rate)}.",
        "To the right more people are contacted: more of those it comes true for are reached, and more contacts are in vain. "
        "In brackets: the average precision.",
    )


def calibration(data: ReportData) -> Chart:
    """Return predicted against realised by tenth, probabilities or amounts."""
    figure, axes = new_figure(5.2, 4.4)
    predicted, realised = (data.gains[column].to_numpy(dtype=float) for column in ("mean_predicted", "realised"))
    top = 1.08 * max(predicted.max(), realised.max(), 1e-9)
    axes.plot([0, top], [0, top], color=GREY, linestyle=":", label="Exactly right")
    if data.weight is None and not data.is_amount:
        low, high = _wilson(realised, data.gains["n"].to_numpy(dtype=float))
        axes.vlines(predicted, low, high, color=BLUE, alpha=0.4, label="95 % interval")
    axes.plot(predicted, realised, "o-", color=BLUE, label="Tenths of the test rows")
    if data.is_amount:
        axes.set(xlabel=f"Predicted, {plain(data.currency)} each", ylabel=f"Realised, {plain(data.currency)} each")
        title, worst = (
            "Predicted against realised spend",
            money(float(np.abs(predicted - realised).max()), data.currency),
        )
    else:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=None))
        axes.set(xlabel="Predicted probability", ylabel="Share it came true for")
        title, worst = "Calibration", f"{100 * float(np.abs(predicted - realised).max()):.1f} points"
    _legend(axes, "upper left")
    return Chart(
        title,
        picture(figure),
        f"{title} by tenth, ten points. The tenth that is furthest off is off by {worst}.",
        "Points on the dotted line are exactly right; above it more came true than predicted, below it less.",
    )


def gain(data: ReportData) -> Chart:
    """Return the share of all outcomes, or of all spend, reached by share of rows contacted."""
    figure, axes = new_figure(5.2, 4.4)
    w = np.ones(len(data.label)) if data.weight is None else np.asarray(data.weight, dtype=float)
    for contender, predicted, style in _drawn(data):
        reached, caught = gain_curve(data.label, predicted, w)
        axes.plot(reached, caught, label=plain(name_of(data, contender)), **style)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="At random")
    what = "all spend" if data.is_amount else "all it came true for"
    _shares(axes, f"Share of {data.entity} contacted, best first", f"Share of {what} reached")
    _legend(axes, "lower right")
    third = data.gains.loc[data.gains["decile"] <= 3, "cumulative_gain"]
    return Chart(
        "Gain",
        picture(figure),
        f"Cumulative gain. The best 30 % of {data.entity} hold {percent(float(third.iloc[-1]))} of {what}.",
        f"Contact the best 30 % of {data.entity} and {percent(float(third.iloc[-1]))} of {what} are reached.",
    )


def lift(data: ReportData) -> Chart:
    """Return each tenth's lift as bars."""
    figure, axes = new_figure(5.2, 4.4)
    values = data.gains["lift"].to_numpy(dtype=float)
    bars = axes.bar(data.gains["decile"], values, color=BLUE)
    axes.bar_label(bars, fmt="%.1f", fontsize=8)
    axes.axhline(1, color=GREY, linestyle=":")
    axes.set_xticks(data.gains["decile"])
    axes.grid(axis="x", visible=False)
    axes.set(xlabel=f"Tenth of the {data.entity}, 1 is the highest prediction", ylabel="Times the average")
    return Chart(
        "Lift",
        picture(figure),
        f"Lift by tenth, from {values[0]:.1f} times the average in the first to {values[-1]:.1f} times in the last.",
        "How many times the average each tenth reaches; the dotted line is the average.",
    )


def profit(data: ReportData) -> Chart:
    """Return the profit of each threshold on the test rows, with the rules marked."""
    figure, axes = new_figure(8.0, 3.8)
    cost, value = data.thresholds[0]["contact_cost"], data.thresholds[0]["sale_value"]
    levels = np.linspace(0, 1, 101)
    earned = [outcome_of(data.label, data.prediction, at, cost, value, data.weight) for at in levels]
    curve = 1000 * np.array([row["profit_per_customer"] for row in earned])
    axes.plot(levels, curve, color=BLUE)
    axes.axhline(0, color=GREY, linewidth=0.8)
    for row, colour in zip(data.thresholds, (GREEN, ORANGE), strict=False):
        at, there = min(row["threshold"], 1.0), 1000 * row["profit_per_customer"]
        axes.plot([at], [there], "o", color=colour, label=plain(f"{name(row['rule'])}: {there:,.0f} {data.currency}"))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set(
        xlabel="Contact at this probability or more",
        ylabel=plain(f"{data.currency} per 1,000 {data.entity}"),
        xlim=(0, 1),
    )
    _legend(axes, "best")
    said = "; ".join(f"{name(row['rule'])} {1000 * row['profit_per_customer']:,.0f}" for row in data.thresholds)
    return Chart(
        "Profit by threshold",
        picture(figure),
        f"Profit per 1,000 {data.entity} against the threshold, in {data.currency}: {said}.",
        "The curve is in hindsight: its highest point flatters, since it is picked on these very rows. "
        "The marked rules were known before.",
    )


def contenders(data: ReportData) -> Chart | None:
    """Return each contender's area under the ROC curve with its interval."""
    judged = [data.served_row, *data.rivals] if data.served_row else []
    rows = [row for row in judged if all(_finite(row.get(key)) for key in ("auc", "auc_low", "auc_high"))]
    if len(rows) < 2:
        return None
    figure, axes = new_figure(8.0, 0.9 + 0.4 * len(rows))
    for place, row in enumerate(reversed(rows)):
        colour = BLUE if row is data.served_row else GREY
        axes.hlines(place, row["auc_low"], row["auc_high"], color=colour, linewidth=2)
        axes.plot([row["auc"]], [place], "o", color=colour)
    axes.set_yticks(range(len(rows)), [plain(name_of(data, row["contender"])) for row in reversed(rows)])
    axes.set(xlabel="Area under the ROC curve, with its 95 % interval", ylim=(-0.6, len(rows) - 0.4))
    said = ", ".join(f"{name_of(data, row['contender'])} {row['auc']:.3f}" for row in rows)
    return Chart(
        "Area under the ROC curve",
        picture(figure),
        f"Area under the ROC curve of each contender: {said}.",
        "The served one is blue. Intervals that overlap may still be different: the table compares them row by row.",
    )


def tuning(data: ReportData) -> Chart | None:
    """Return the loss of each trial that was completed, and the best so far."""
    done = sorted((row for row in data.trials if _finite(row.get("loss"))), key=lambda row: row["trial"])
    if len(done) < 2:
        return None
    figure, axes = new_figure(8.0, 3.2)
    numbers, losses = [row["trial"] for row in done], [row["loss"] for row in done]
    axes.plot(numbers, losses, "o", color=BLUE, alpha=0.6, label="Trial")
    axes.step(numbers, np.minimum.accumulate(losses), where="post", color=GREEN, label="Best so far")
    for row in done:
        if row["chosen"]:
            axes.plot([row["trial"]], [row["loss"]], "o", color=ORANGE, label="Chosen")
    axes.set(xlabel="Trial", ylabel="Loss on the tune dates")
    _legend(axes, "best")
    return Chart(
        "Tuning",
        picture(figure),
        f"Loss of {len(done)} completed trials, the lowest {min(losses):.4f}, the highest {max(losses):.4f}.",
        "Lower is better. Of trials that are as good, the cheaper model is chosen.",
    )


def gain_curve(label: np.ndarray, predicted: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (share reached, share of outcomes caught), both from 0 to 1, thinned; equal predictions are taken together."""
    order = np.argsort(-predicted, kind="stable")
    ends = np.flatnonzero(np.r_[predicted[order][1:] != predicted[order][:-1], True])
    ends = ends[_thin(len(ends))]
    reached = np.cumsum(weight[order])[ends] / weight.sum()
    caught = np.cumsum((weight * label)[order])[ends] / (weight * label).sum()
    return np.r_[0.0, reached], np.r_[0.0, caught]


def name_of(data: ReportData, contender: str) -> str:
    """Return how a chart calls a contender."""
    return f"{name(data.served)} (serves)" if contender == SERVED else name(contender)


def _label(data: ReportData, contender: str, measure: str) -> str:
    row = next((row for row in data.evaluations if row["contender"] == contender), {})
    called = name_of(data, contender)
    return f"{called} ({number(row[measure])})" if _finite(row.get(measure)) else called


def _drawn(data: ReportData) -> list[tuple[str, np.ndarray, dict[str, Any]]]:
    """Return the contenders that tell rows apart, with their lines; the served one last, on top, and only once."""
    others = [key for key in data.predictions if key not in (SERVED, data.served)]
    styles: dict[str, dict[str, Any]] = {
        key: {"color": colour, "linewidth": 1.1} for key, colour in zip(others, cycle(COLOURS), strict=False)
    }
    styles[SERVED] = {"color": BLUE, "linewidth": 2.2}
    drawn = [(key, np.asarray(data.predictions[key], dtype=float), style) for key, style in styles.items()]
    return [one for one in drawn if np.ptp(one[1]) > 0]


def _legend(axes: Axes, place: Place) -> None:
    axes.legend(loc=place, fontsize=8, frameon=False)


def _shares(axes: Axes, across: str, up: str) -> None:
    axes.set(xlabel=across, ylabel=up, xlim=(0, 1), ylim=(0, 1.02))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))


def _thin(length: int) -> np.ndarray:
    return np.unique(np.linspace(0, length - 1, min(length, POINTS)).astype(int))


def _wilson(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of shares (E. Wilson, 1927)."""
    z = 1.96
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return centre - half, centre + half


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value))
