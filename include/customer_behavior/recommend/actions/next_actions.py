"""What to do about each scored customer: the first rule that holds, within the guardrails."""

import logging
from datetime import date, timedelta
from typing import Any

import pandas as pd
from sqlalchemy.engine import Connection

from customer_behavior.ingest.dimensions.consent import consent_rule
from customer_behavior.recommend.actions.rules import decide
from customer_behavior.scoring.reading import read_scored
from customer_behavior.settings import Settings, TargetKey, Targets
from customer_behavior.warehouse import copy_frame, ensure_partitions, read_frame, replace_date

log = logging.getLogger(__name__)

TABLE = "marketing.action_recommendations"


def recommend_actions(connection: Connection, settings: Settings, as_of: date, *, run_id: str | None) -> dict[str, Any]:
    """Write one row per scored customer of `as_of`, in place of what the date held; return counts by action."""
    customers = read_customers(connection, settings, as_of)
    decided = decide(customers, settings.actions, as_of).join(customers[["consent", "suppressed_reason"]])
    ensure_partitions(connection, TABLE, as_of, as_of, unit="month")
    rows = decided.assign(as_of_date=as_of)
    written = replace_date(connection, TABLE, as_of, lambda: copy_frame(connection, TABLE, rows), run_id=run_id)
    counts = {str(action): int(n) for action, n in decided["action"].value_counts().sort_index().items()}
    log.info("%s: %d customers, by action %s", as_of, written, counts)
    return {"as_of": str(as_of), "rows": written, "actions": counts, "held_out": int(decided["holdout"].sum())}


def read_customers(connection: Connection, settings: Settings, as_of: date) -> pd.DataFrame:
    """Return every customer scored for `as_of`: features, a column per target, last_action_date, consent, suppressed_reason."""
    primary, targets = settings.primary, settings.targets
    cooldown_days = settings.actions.guardrails.cooldown_days
    rows = read_scored(connection, primary, as_of)
    customers = rows[list(settings.features)].assign(customer_id=rows["scored_customer_id"])
    scores = read_frame(connection, "recommend/scores", as_of=as_of)
    for name in {key.target: None for key in targets.scored_keys()}:
        key = key_of(name, primary, targets)
        of_target = scores[(scores["target"] == key.target) & (scores["horizon_days"] == key.horizon_days)]
        customers[name] = customers["customer_id"].map(of_target.set_index("customer_id")["score"])
    last = read_frame(
        connection, "recommend/last_actions", as_of=as_of, first_day=as_of - timedelta(days=max(cooldown_days, 1))
    )
    days = dict(zip(last["customer_id"], last["last_action_date"], strict=True))
    customers["last_action_date"] = pd.Series([days.get(who) for who in customers["customer_id"]], dtype=object)
    known = read_frame(
        connection,
        "recommend/consents",
        as_of=as_of,
        target=primary.target,
        horizon_days=primary.horizon_days,
        unknown=consent_rule(connection, settings.shop).unknown,
    ).astype(object)
    customers[["consent", "suppressed_reason"]] = known[["consent", "suppressed_reason"]]  # in the same order
    return customers


def key_of(target: str, primary: TargetKey, targets: Targets) -> TargetKey:
    """Return the horizon that a target's bare name stands for: the primary one, else the first of the file."""
    if target == primary.target:
        return primary
    return TargetKey(target=target, horizon_days=targets.targets[target].horizons[0])
