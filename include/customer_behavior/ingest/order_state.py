"""What the state of an order makes of its lines: cancelled and test orders are no purchases, what was paid back is taken off."""

import re
from collections.abc import Mapping
from typing import Literal

from customer_behavior.ingest.engine import identifier, quoted

REFUNDED = "refunded"  # an event type of a source's words: a purchase whose money was given back as a whole
FROM_ORDER = "order_refund"  # staged beside the event: what was paid back of the whole order
Condition = Literal["given"] | tuple[str, ...]


def no_purchase_sql(conditions: Mapping[str, Condition]) -> str:
    """Return a condition over the columns of a block that holds for lines of orders that are no purchases.

    A column's condition is `given` (it holds something), or words of which it holds one, alone or in a list with commas, without
    regard to case.
    """
    held = []
    for column, words in conditions.items():
        text = f"trim({identifier(column)})"
        if words == "given":
            held.append(f"coalesce({text} <> '', false)")
        else:
            one = "|".join(re.escape(word.strip().lower()) for word in words)
            held.append(f"coalesce(regexp_matches(lower({text}), {quoted(f'(^|,) *({one}) *(,|$)')}), false)")
    return " OR ".join(held) or "false"


def spread_refunds_sql(relation: str) -> str:
    """Return a SELECT over staged events in which what was paid back of a whole order is taken off its lines, in proportion.

    An order's lines are those of one file and batch. One that was paid back as a whole is no purchase: its lines become `other`.
    """
    paid = "event_type = 'purchase' OR charge IS NOT NULL AND refunded IS NULL"
    worth = f"sum(CASE WHEN {paid} THEN quantity * price END) OVER (PARTITION BY batch_date, file, order_id)"
    share = f"least({FROM_ORDER} / nullif({worth}, 0), 1)"
    spread = f"CASE WHEN ({paid}) AND order_id IS NOT NULL AND {FROM_ORDER} > 0 THEN {share} END"
    return f"""
SELECT * EXCLUDE (share, {FROM_ORDER}) REPLACE (
    CASE WHEN share >= 1 AND event_type = 'purchase' THEN 'other' ELSE event_type END AS event_type,
    CASE WHEN share IS NULL THEN refunded
        ELSE CAST(least(price, greatest(coalesce(refunded, 0), price * share)) AS DECIMAL(24, 10)) END AS refunded
) FROM (SELECT *, {spread} AS share FROM {relation})"""
