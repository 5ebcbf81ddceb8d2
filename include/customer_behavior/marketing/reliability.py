"""Which customers are in a segment that the model was confirmed to get wrong."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy.engine import Connection

from customer_behavior.monitoring.error_segments.segment_rules import matches, rule_from_json
from customer_behavior.scoring.reading import read_scored
from customer_behavior.settings import TargetKey
from customer_behavior.warehouse import run_sql

MEMORY_DAYS = 28  # a segment that was not found again for so long counts as mended


@dataclass(frozen=True)
class Unreliable:
    """Customers in a confirmed segment, with the segment in words, and how many each segment has."""

    customers: dict[str, str] = field(default_factory=dict)
    segments: dict[str, int] = field(default_factory=dict)


def find_unreliable(connection: Connection, key: TargetKey, as_of: date) -> Unreliable:
    """Return who is in a segment of the primary target confirmed before `as_of`; the latest and worst segment names it.

    A segment found on the scores of another model counts too, after those of the model that scored `as_of`, and says so: a new
    model is not known to be right where the last one was wrong before its own scores have been judged.
    """
    clusters = run_sql(
        connection,
        "marketing/confirmed_clusters",
        as_of=as_of,
        since=as_of - timedelta(days=MEMORY_DAYS),
        target=key.target,
        horizon_days=key.horizon_days,
    ).all()
    if not clusters:
        return Unreliable()
    frame = read_scored(connection, key, as_of)
    customers: dict[str, str] = {}
    segments: dict[str, int] = {}
    for cluster in clusters:
        inside = frame.loc[matches(frame, rule_from_json(cluster.rule)), "scored_customer_id"]
        fresh = [customer for customer in inside if customer not in customers]
        words = cluster.description
        if cluster.found_on:
            words += f" (found on the scores of model {cluster.found_on}; these are of model {cluster.model_id})"
        if fresh:
            segments[words] = segments.get(words, 0) + len(fresh)
            customers.update(dict.fromkeys(fresh, words))
    return Unreliable(customers, segments)
