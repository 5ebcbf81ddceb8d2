"""The checks that stand before publishing: each failing one is a sentence."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.engine import Connection, RowMapping

from customer_behavior.errors import CheckFailedError
from customer_behavior.ingest.dimensions.consent import ConsentRule
from customer_behavior.settings import Settings
from customer_behavior.warehouse import run_sql

DECILES = 10


def check(connection: Connection, settings: Settings, as_of: date, rule: ConsentRule) -> None:
    """Raise CheckFailedError with every finding unless what is staged for the date may be published."""
    key, window = settings.primary, settings.actions.recommendations.window_days
    facts = (
        run_sql(
            connection,
            "marketing/check_customers",
            as_of=as_of,
            target=key.target,
            horizon_days=key.horizon_days,
            window_days=window,
            unknown=rule.unknown,
        )
        .mappings()
        .one()
    )
    found = customer_findings(facts)
    for row in run_sql(connection, "marketing/check_targets", as_of=as_of).mappings():
        found += target_findings(row)
    if found:
        raise CheckFailedError(f"{as_of} was not published, marketing keeps what it had: " + "; ".join(found))


def customer_findings(facts: RowMapping | Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the staged customers, from the counts of marketing/check_customers.sql."""
    staged, scored = facts["staged"], facts["scored"]
    found = []
    if staged == 0:
        found.append("no customer is staged")
    if staged != scored:
        found.append(f"{staged} rows are staged but models.scores has {scored}")
    if facts["customers"] != staged:
        found.append(f"{staged - facts['customers']} customers are staged twice")
    for column, meaning in (
        ("bad_purchase", "purchase probabilities are outside 0 to 1 or missing"),
        ("bad_lapse", "lapse probabilities are outside 0 to 1"),
        ("no_snapshot", "customers have no snapshot for the date: run score_customers again"),
        ("no_action", "scored customers have no row in marketing.action_recommendations: run recommend again"),
        ("no_reason_words", "customers have a reason without words"),
        ("pushed_without_consent", "customers who must not be contacted have an action or products"),
    ):
        if facts[column]:
            found.append(f"{facts[column]} {meaning}")
    if facts["models"] > 1:
        found.append(f"the scores are of {facts['models']} models")
    if facts["unknown_models"]:
        found.append(f"{facts['unknown_models']} scores are of a model that models.model_versions does not have")
    if facts["action_rows"] > scored:
        found.append(
            f"marketing.action_recommendations has {facts['action_rows']} rows for {scored} scored customers: run recommend again"
        )
    if facts["product_rows"] == 0 and facts["products_known"]:
        found.append(
            "marketing.product_recommendations has no rows for the date although customers who may be contacted bought products: "
            "run recommend"
        )
    return found


def target_findings(facts: RowMapping | Mapping[str, Any]) -> list[str]:
    """Return what is wrong with one target's scores, from a row of marketing/check_targets.sql."""
    name = f"{facts['target']}/{facts['horizon_days']}d"
    found = []
    if facts["bad"]:
        found.append(f"{facts['bad']} probabilities of {name} are outside 0 to 1")
    first, last, distinct = facts["first_decile"], facts["last_decile"], facts["deciles"]
    if first < 1 or last > DECILES or (facts["n"] >= DECILES and distinct != DECILES):
        found.append(f"the deciles of {name} are {distinct} from {first} to {last}, not 1 to {DECILES}")
    return found
