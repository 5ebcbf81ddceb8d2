"""Which action fits a customer: the rules of actions.yaml, the cooldown and the holdout. Pure functions on frames."""

import hashlib
from collections.abc import Iterable
from datetime import date, timedelta
from string import Formatter

import numpy as np
import pandas as pd

from customer_behavior.errors import ConfigurationError
from customer_behavior.settings import Action, Actions, Range

NONE = "none"
NO_RULE = "no action fits"


def holds(values: pd.Series, within: Range) -> np.ndarray:
    """Return which values lie within a closed range, shape (n,); a missing one never does."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    inside = ~np.isnan(numbers)
    if within.min is not None:
        inside &= numbers >= within.min
    if within.max is not None:
        inside &= numbers <= within.max
    return inside


def fits(frame: pd.DataFrame, action: Action) -> np.ndarray:
    """Return for which rows every condition of the action holds, shape (n,)."""
    mask = np.ones(len(frame), dtype=bool)
    for column, within in action.when.items():
        mask &= holds(frame[column], within)
    return mask


def check_rules(actions: Actions, columns: Iterable[str]) -> None:
    """Raise ConfigurationError, naming action and column, when a rule reads what customers do not have."""
    known = set(columns)
    for action in actions.actions:
        for column in action.when:
            if column not in known:
                raise ConfigurationError(
                    f"actions.yaml: action {action.action} asks for {column!r}, which is neither a feature of "
                    "features.yaml nor a target of targets.yaml"
                )
        for _, named, _, _ in Formatter().parse(action.words):
            # A column without a condition may be missing, and then there is nothing to say.
            if named is not None and named not in action.when:
                raise ConfigurationError(
                    f"actions.yaml: the words of action {action.action} name {named!r}, which is not among its conditions"
                )


def held_out(customer_id: str, action: str, share: float) -> bool:
    """Return whether a customer is held out of an action: drawn by the two names alone, so the same every day."""
    digest = hashlib.sha256(f"{action}\0{customer_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def decide(customers: pd.DataFrame, actions: Actions, as_of: date) -> pd.DataFrame:
    """Return one row per customer: what to do, why, and whether held out.

    Someone held out waits through the same cooldown as someone who is contacted: otherwise the two groups that the
    holdout is there to compare would meet different rules.

    Parameters
    ----------
    customers : frame of shape (n, ...)
        customer_id, last_action_date (a date, or None), suppressed_reason (why the customer must not be contacted, or None)
        and the columns that the rules ask for.

    Returns
    -------
    frame of shape (n, 5)
        customer_id, action, reason, holdout, last_action_date.
    """
    check_rules(actions, customers.columns)
    n = len(customers)
    chosen = np.full(n, NONE, dtype=object)
    reason = np.full(n, NO_RULE, dtype=object)
    holdout = np.zeros(n, dtype=bool)
    cooldown = timedelta(days=actions.guardrails.cooldown_days)
    last = customers["last_action_date"].to_list()
    resting = np.array([_is_date(day) and as_of - day < cooldown for day in last], dtype=bool)
    ids = customers["customer_id"].to_numpy(dtype=object)
    suppressed = customers["suppressed_reason"].notna().to_numpy()
    reason[suppressed] = customers["suppressed_reason"].to_numpy(dtype=object)[suppressed]
    open_ = ~suppressed
    for action in actions.actions:
        picked = fits(customers, action) & open_
        open_ &= ~picked
        for row in np.flatnonzero(picked & resting):
            reason[row] = (
                f"left alone until {last[row] + cooldown}: {action.action} fits, but the last action was on {last[row]}"
            )
        rows = np.flatnonzero(picked & ~resting)
        chosen[rows] = action.action
        names = list(action.when)
        for row, values in zip(rows, customers.iloc[rows][names].itertuples(index=False, name=None), strict=True):
            reason[row] = action.words.format(**dict(zip(names, values, strict=True)))
            holdout[row] = held_out(ids[row], action.action, actions.guardrails.holdout_share)
    return pd.DataFrame(
        {
            "customer_id": ids,
            "action": chosen,
            "reason": reason,
            "holdout": holdout,
            "last_action_date": pd.Series([day if _is_date(day) else None for day in last], dtype=object),
        }
    )


def _is_date(value: object) -> bool:
    return isinstance(value, date) and not pd.isna(value)
