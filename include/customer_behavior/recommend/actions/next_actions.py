"""What to do about each scored customer: the first rule that holds, within the guardrails."""

import logging
from datetime import date, timedelta
from typing import Any

import pandas as pd
from sqlalchemy.engine import Connection

from customer_behavior.ingest.dimensions.consent import consent_rule
from customer_behavior.recommend.actions.rules import decide
from customer_behavior.settings import TargetKey, Targets, load_actions, load_features, load_shop, load_targets
from customer_behavior.warehouse import Warehouse, audit, copy_frame, ensure_partitions, lock, read_frame
from customer_behavior.warehouse.slices import delete_date, require_day_before, require_scores

log = logging.getLogger(__name__)

TABLE = "marketing.action_recommendations"


def recommend_actions(warehouse: Warehouse, as_of: date, *, run_id: str | None = None) -> dict[str, Any]:
    """Write one row per scored customer of `as_of`, in place of what the date held; return counts by action.

    Raises
    ------
    NotReadyError
        When `as_of` has not been scored, or has earlier dates but not the day before: who was contacted lately is
        not known then.
    """
    actions, primary = load_actions(), load_shop().primary_target
    with warehouse.begin("score") as connection:
        lock(connection, "recommend_actions")
        require_scores(connection, as_of, primary)
        require_day_before(connection, TABLE, as_of, "recommend")
        customers = read_customers(connection, as_of, actions.guardrails.cooldown_days)
        decided = decide(customers, actions, as_of).join(customers[["consent", "suppressed_reason"]])
        ensure_partitions(connection, TABLE, as_of, as_of, unit="month")
        deleted = delete_date(connection, TABLE, as_of)
        written = copy_frame(connection, TABLE, decided.assign(as_of_date=as_of))
        audit(connection, TABLE, str(as_of), deleted, written, run_id)
    counts = {str(action): int(n) for action, n in decided["action"].value_counts().sort_index().items()}
    log.info("%s: %d customers, by action %s", as_of, written, counts)
    return {"as_of": str(as_of), "rows": written, "actions": counts, "held_out": int(decided["holdout"].sum())}


def read_customers(connection: Connection, as_of: date, cooldown_days: int) -> pd.DataFrame:
    """Return every customer scored for `as_of`: features, a column per target, last_action_date, consent, suppressed_reason."""
    primary, targets = load_shop().primary_target, load_targets()
    rows = read_frame(
        connection, "recommend/customers", as_of=as_of, target=primary.target, horizon_days=primary.horizon_days
    )
    customers = rows[list(load_features())].assign(customer_id=rows["scored_customer_id"])
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
        unknown=consent_rule(connection).unknown,
    ).astype(object)
    customers[["consent", "suppressed_reason"]] = known[["consent", "suppressed_reason"]]  # in the same order
    return customers


def key_of(target: str, primary: TargetKey, targets: Targets) -> TargetKey:
    """Return the horizon that a target's bare name stands for: the primary one, else the first of the file."""
    if target == primary.target:
        return primary
    return TargetKey(target=target, horizon_days=targets.targets[target].horizons[0])
