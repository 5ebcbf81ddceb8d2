"""Whether a training searches hyperparameters, or fits the champion's procedure on newer dates."""

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy.engine import Connection

from customer_behavior.models import Model
from customer_behavior.settings import TargetKey
from customer_behavior.warehouse import run_sql


def search_due(
    connection: Connection,
    key: TargetKey,
    as_of: date,
    champion: Model | None,
    features: Collection[str],
    every_days: int,
) -> str | None:
    """Return why the hyperparameters of a target are searched as of a date, None when the champion's are kept.

    What is known strictly before the date decides, so that a run of the same night again does the same.
    """
    if champion is None or champion.card.get("confidence", "normal") != "normal":
        return "no champion of normal confidence serves"
    card = champion.card
    known = {*card.get("columns", ()), *card.get("left_out", ())}
    if known != set(features):
        moved = sorted(known ^ set(features))
        return f"columns came or went: {', '.join(moved[:3])}" + (f" and {len(moved) - 3} more" if moved[3:] else "")
    row = run_sql(
        connection, "training/search_due", target=key.target, horizon_days=key.horizon_days, as_of=as_of
    ).one()
    if row.asked_for:
        return "a request to train is open"
    if row.searched_as_of is None or as_of - row.searched_as_of >= timedelta(days=every_days):
        return f"the last search was {row.searched_as_of or 'never'}"
    return None
