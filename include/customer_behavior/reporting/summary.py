"""The report in a few plain sentences."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from customer_behavior.evaluation.metrics import mean
from customer_behavior.reporting.data import ReportData
from customer_behavior.reporting.explanations import label, strongest_features
from customer_behavior.reporting.words import count, duration, inline, known, money, name, percent, times

FALLBACKS = ("rfm", "base_rate")
"""Kinds that serve where there is no model."""


@dataclass(frozen=True)
class Point:
    """A sentence or two under a few words."""

    head: str
    text: str


def summary(data: ReportData) -> list[Point]:
    """Return what a reader in a hurry has to know, the weightiest first."""
    return [
        *_confidence(data),
        *(_finding_customers(data) if data.measured else [_nothing_measured(data)]),
        *_numbers_hold(data),
        *_against_others(data),
        *_rules(data),
        *_reasons(data),
        *_decided(data),
        *_served(data),
        *_data(data),
    ]


def verdict(data: ReportData, row: dict[str, Any]) -> str:
    """Return how the served model compares with another contender, by the paired interval of the loss."""
    low = row.get("log_loss_gain_low")
    if low is None or not known(low):
        return "not compared"
    return "the served model is better" if low > 0 else "no proven difference"


def _confidence(data: ReportData) -> Iterator[Point]:
    if data.confidence == "low" and data.model_kind not in FALLBACKS:
        why = data.why or "no reason was given"
        yield Point("Low confidence", f"{why[:1].upper()}{why[1:]}.")
    elif data.confidence == "low":
        yield Point(
            "Low confidence",
            f"{name(data.model_kind)} serves instead of a tuned model: {data.why or 'no reason was given'}. "
            f"Use these predictions for an average over many {data.entity}, not to tell them apart.",
        )
    elif data.confidence == "medium":
        why = data.why or "no reason was given"
        yield Point(
            "Medium confidence", f"{why[:1].upper()}{why[1:]}. How the model holds in later weeks is not known yet."
        )


def _served(data: ReportData) -> Iterator[Point]:
    refit = data.refit
    if refit.get("rows") and data.cutoffs.get("test"):
        yield Point(
            "What serves",
            f"The numbers on this page are of a fit that knew no outcome of {data.cutoffs['test'][0]} or later. What serves is the"
            f" same procedure, fitted anew on all {refit['dates']} dates from {refit['first']} to {refit['last']}"
            f" ({refit['rows']:,} rows).",
        )


def _nothing_measured(data: ReportData) -> Point:
    return Point(
        "Not measured",
        f"There are no {data.entity} on the test dates, so nothing can be said about how good these predictions are. "
        "The next trainings will measure it once there are.",
    )


def _finding_customers(data: ReportData) -> Iterator[Point]:
    base = mean(data.label, data.weight)
    if not data.both_outcomes:
        every = "the same amount for all" if data.is_amount else "all" if data.label[0] else "none"
        yield Point(
            "One outcome only",
            f"On the test dates it came true for {every} of the {count(len(data.label))} {data.entity}, so how well the "
            "model tells them apart cannot be measured."
            if not data.is_amount
            else f"On the test dates it was {every} of the {count(len(data.label))} {data.entity}, so how well the model "
            "tells them apart cannot be measured.",
        )
        return
    if not data.ranks or data.gains.empty:
        average = money(base, data.currency) if data.is_amount else percent(base)
        yield Point(
            "Nobody stands out",
            f"The model predicts the same for all {data.entity}; the average on the test dates is {average}.",
        )
        return
    top = data.gains.sort_values("decile").iloc[0]
    if data.is_amount:
        yield Point(
            f"Finding the best {data.entity}",
            f"The tenth of the {data.entity} with the highest predictions spent {money(top['realised'], data.currency)} each, "
            f"{times(top['lift'])} the average of {money(base, data.currency)}: {percent(top['cumulative_gain'])} of all spend.",
        )
        return
    yield Point(
        f"Finding the right {data.entity}",
        f"Of the tenth of the {data.entity} with the highest probability it came true for {percent(top['realised'])}, "
        f"{times(top['lift'])} the average of {percent(base)}. That tenth holds {percent(top['cumulative_gain'])} of all it "
        "came true for.",
    )


def _numbers_hold(data: ReportData) -> Iterator[Point]:
    row = data.served_row
    if data.gains.empty:
        return
    if data.is_amount:
        if known(row.get("mae")):
            yield Point(
                "Taking the amounts at their word",
                f"A single prediction is off by {money(row['mae'], data.currency)} on average, so read them as an order and "
                "as averages over groups.",
            )
        return
    error, limit = row.get("ece"), row.get("ece_null95")
    if error is None or not known(error):
        return
    said = f"Predicted and realised shares differ by {100 * error:.1f} points on average."
    if limit is not None and known(limit):
        well = error <= limit
        said += (
            f" Probabilities that are exactly right would differ by up to {100 * limit:.1f} points on so few {data.entity}: "
            f"{'chance alone may be why' if well else 'more than chance explains, so take them with a margin'}."
        )
    yield Point("Taking the percentages at their word", said)


def _against_others(data: ReportData) -> Iterator[Point]:
    if not data.rivals:
        return
    better = [
        inline(name(row["contender"])) for row in data.rivals if verdict(data, row) == "the served model is better"
    ]
    level = [inline(name(row["contender"])) for row in data.rivals if verdict(data, row) == "no proven difference"]
    parts = [f"Served: {inline(name(data.served))}."]
    if better:
        parts.append(f"It is better than {_and(better)}.")
    if level:
        parts.append(f"No difference that chance could not explain to {_and(level)}.")
    yield Point("Against simpler methods", " ".join(parts))


def _rules(data: ReportData) -> Iterator[Point]:
    rules = {row["rule"]: row for row in data.thresholds}
    if pays := rules.get("best_profit"):
        cost, value = (money(pays[key], data.currency) for key in ("contact_cost", "sale_value"))
        costs = f"a contact that costs {cost} and a sale worth {value}"
        if pays["threshold"] > 1:
            yield Point("Whom to contact", f"With {costs}, no contact ever pays.")
        else:
            earned = 1000 * pays["profit_per_customer"]
            yield Point(
                "Whom to contact",
                f"With {costs}, a contact pays from {percent(pays['threshold'])} on: that is {percent(pays['share_contacted'])} of "
                f"the {data.entity}, {percent(pays['recall'])} of all it came true for, and {_earns(earned, data)}.",
            )
    if over := rules.get("over_65"):
        if over["n"]:
            yield Point(
                "Over 65 %",
                f"The rule takes in {percent(over['share_contacted'])} of the {data.entity}. It came true for "
                f"{percent(over['precision'])} of them, and they are {percent(over['recall'])} of all it came true for; "
                f"{_earns(1000 * over['profit_per_customer'], data)}.",
            )
        else:
            yield Point("Over 65 %", f"None of the {data.entity} reaches 65 %: the rule would contact nobody.")


def _earns(amount: float, data: ReportData) -> str:
    return f"{'earns' if amount >= 0 else 'loses'} {abs(amount):,.0f} {data.currency} per 1,000 {data.entity}"


def _reasons(data: ReportData) -> Iterator[Point]:
    strongest = strongest_features(data)[:3]
    if strongest:
        said = _and([inline(label(data, feature)) for feature in strongest])
        yield Point("What it looks at most", said[:1].upper() + said[1:] + ".")


def _decided(data: ReportData) -> Iterator[Point]:
    if data.decision is not None:
        if data.decision["promoted"]:
            done = "It serves the dates after its training"
        elif data.decision["accepted"]:
            done = "It passed the gate; this run promoted nothing"
        else:
            done = "It did not pass the gate; what served before goes on"
        yield Point("Decision", f"{done}: {data.decision['reason']}.".replace("..", "."))


def _data(data: ReportData) -> Iterator[Point]:
    serious = [row for row in data.findings if row["severity"] != "note"]
    said = {0: "no warning about the data", 1: "1 warning about the data, below"}.get(
        len(serious), f"{len(serious)} warnings about the data, below"
    )
    yield Point(
        "Made from",
        f"{count(sum(data.rows.values()))} rows in {duration(data.duration_seconds)}, {said}.",
    )


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
