"""One morning for marketing: staged, checked, and only then put in place of what the date held."""

import logging
from datetime import date, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.ingest.dimensions.consent import ConsentRule, consent_rule, write_rule
from customer_behavior.insights.findings import read_insights, write_insights
from customer_behavior.marketing.checks import check
from customer_behavior.marketing.reliability import Unreliable, find_unreliable
from customer_behavior.marketing.warnings import consent_warnings, read_warnings
from customer_behavior.settings import Settings
from customer_behavior.warehouse import copy_frame, ensure_partitions, lock, replace_date_by, run_sql

log = logging.getLogger(__name__)

CUSTOMER_SCORES = "marketing.customer_scores"
TARGET_SCORES = "marketing.target_scores"
STATUS = "marketing.status"
PRICE_DAYS = 90
LAPSE, VALUE = "lapse", "value"


def publish(connection: Connection, settings: Settings, as_of: date, *, run_id: str | None) -> dict[str, Any]:
    """Publish `as_of`; return what was published.

    Raises
    ------
    CheckFailedError
        When a check fails; marketing keeps what it had.
    """
    primary = settings.primary
    # Read before what they stamp: what changes meanwhile makes the morning stale, and is not missed.
    stamps = connection.execute(
        sa.text("SELECT cast(marketing.stamps_of(:as_of) AS text)"), {"as_of": as_of}
    ).scalar_one()
    unreliable = find_unreliable(connection, primary, as_of)
    rule = consent_rule(connection, settings.shop)
    stage(connection, settings, as_of, unreliable, rule)
    check(connection, settings, as_of, rule)
    consents = dict(run_sql(connection, "marketing/count_consents", as_of=as_of).mappings().one())
    customers = swap_in(connection, as_of, run_id)
    insights = read_insights(connection, settings, as_of)
    write_insights(connection, as_of, insights, run_id)
    warnings = read_warnings(connection, settings, as_of, unreliable) + consent_warnings(consents, customers)
    replace_date_by(
        connection,
        STATUS,
        as_of,
        "marketing/insert_status",
        run_id=run_id,
        target=primary.target,
        horizon_days=primary.horizon_days,
        warnings=warnings,
        consent_rule=rule.why,
        stamps=stamps,
        **consents,
    )
    lock(connection, "consents")  # last: a load of customers does not wait for a whole publication
    run_sql(connection, "marketing/note_customers")
    write_rule(connection, settings.shop)
    log.info("%s: published %d customers, %d insights, warnings %s", as_of, customers, len(insights), warnings)
    return {
        "as_of": str(as_of),
        "customers": customers,
        "unreliable": len(unreliable.customers),
        "suppressed": consents["suppressed"],
        "insights": [insight.key for insight in insights],
        "warnings": warnings,
    }


def stage(connection: Connection, settings: Settings, as_of: date, unreliable: Unreliable, rule: ConsentRule) -> None:
    """Assemble the date's customers in the temporary table staged_customer_scores, which ends with the transaction."""
    primary = settings.primary
    lapse, value = (settings.targets.targets.get(name) for name in (LAPSE, VALUE))
    connection.execute(
        sa.text("CREATE TEMPORARY TABLE staged_unreliable (customer_id text, reason text) ON COMMIT DROP")
    )
    copy_frame(
        connection,
        "staged_unreliable",
        pd.DataFrame(list(unreliable.customers.items()), columns=["customer_id", "reason"]),
    )
    run_sql(
        connection,
        "marketing/stage_customer_scores",
        as_of=as_of,
        target=primary.target,
        horizon_days=primary.horizon_days,
        lapse_target=LAPSE,
        lapse_days=lapse.horizons[0] if lapse else None,
        value_target=VALUE,
        value_days=value.horizons[0] if value else None,
        prices_from=as_of - timedelta(days=PRICE_DAYS),
        products=settings.actions.recommendations.products,
        unknown=rule.unknown,
    )


def swap_in(connection: Connection, as_of: date, run_id: str | None) -> int:
    """Put the staged rows, and every target's scores, in place of what the date held; return the customers."""
    for table in (CUSTOMER_SCORES, TARGET_SCORES):
        ensure_partitions(connection, table, as_of, as_of, unit="month")
    customers = replace_date_by(connection, CUSTOMER_SCORES, as_of, "marketing/insert_customer_scores", run_id=run_id)
    replace_date_by(connection, TARGET_SCORES, as_of, "marketing/insert_target_scores", run_id=run_id)
    return customers
