"""Consent through the chain: no action and no products without it, and what is said later counts when an audience is read."""

import re

import pytest
import sqlalchemy as sa

from customer_behavior.errors import CheckFailedError
from customer_behavior.paths import REPO_DIR
from customer_behavior.stages import publish_marketing, recommend
from ingest.dimensions.test_consent import NO, UNKNOWN, UNREADABLE, Shop
from support.mornings import D, days, execute, query, write_events, write_model, write_scores, write_snapshot

PEOPLE = ("ann", "ben", "cat", "dan", "eve")
LEAVING = {"orders_lifetime": 9, "cycle_position": 1, "categories_per_day_90d": 9, "order_value_90d": 20.0}
LATEST = "SELECT * FROM marketing.customer_scores_latest ORDER BY customer_id"
AUDIENCES = [
    statement
    for page in ("README.md", "docs/marketing.md")
    for statement in re.findall(r"```sql\n(.*?)```", (REPO_DIR / page).read_text(), flags=re.DOTALL)
    if "customer_id" in statement
]


@pytest.fixture
def shop(warehouse, tmp_path, monkeypatch):
    """Five customers to win back, each with a product of their own; a dimension crm in which dan is not, and eve's word is new."""
    shop = Shop(warehouse, tmp_path, monkeypatch)
    shop.dimension("crm")
    shop.configure(dimensions=["crm"])
    write_model(warehouse)
    for target, horizon_days in (("lapse", 28), ("purchase", 30)):
        write_model(warehouse, f"m-{target}", target=target, horizon_days=horizon_days)
    write_events(
        warehouse, [{"customer_id": who, "product_id": f"of {who}", "event_day": D - days(3)} for who in PEOPLE]
    )
    write_snapshot(warehouse, D, dict.fromkeys(PEOPLE, LEAVING))
    write_scores(warehouse, D, {"cat": 0.9, "ann": 0.8, "ben": 0.7, "dan": 0.6, "eve": 0.5})
    for target, horizon_days, value in (("lapse", 28, 0.9), ("purchase", 30, 0.95), ("value", 30, 0.5)):
        write_scores(warehouse, D, dict.fromkeys(PEOPLE, value), target=target, horizon_days=horizon_days)
    shop.deliver("crm", D - days(2), "ann,yes,FR", "ben,no,FR", "cat,yes,FR", "eve,yes,FR")
    shop.deliver("crm", D - days(1), "ann,yes,FR", "ben,,FR", "cat,yes,FR", "eve,withdrawn,FR")
    return shop


def morning(shop):
    recommend.products(shop.warehouse, D)
    recommend.actions(shop.warehouse, D)
    return publish_marketing.publish(shop.warehouse, D)


def test_without_consent_there_is_no_action_and_no_product(shop):
    result = morning(shop)
    reasons = {"ann": None, "ben": NO, "cat": None, "dan": UNKNOWN, "eve": UNREADABLE}
    consents = {"ann": True, "ben": False, "cat": True, "dan": None, "eve": False}
    may = {who for who, reason in reasons.items() if reason is None}
    actions = query(shop.warehouse, "SELECT * FROM marketing.action_recommendations")
    assert {row["customer_id"]: (row["consent"], row["suppressed_reason"]) for row in actions} == {
        who: (consents[who], reasons[who]) for who in PEOPLE
    }
    for row in actions:
        if row["customer_id"] not in may:
            assert (row["action"], row["reason"], row["holdout"]) == ("none", reasons[row["customer_id"]], False)
    assert {row["action"] for row in actions if row["customer_id"] in may} == {"win_back"}
    products = query(shop.warehouse, "SELECT customer_id FROM marketing.product_recommendations")
    assert {row["customer_id"] for row in products} == may
    for table in ("customer_scores", "customer_scores_latest"):
        for row in query(shop.warehouse, f"SELECT * FROM marketing.{table}"):
            who = row["customer_id"]
            assert (row["consent"], row["suppressed_reason"]) == (consents[who], reasons[who])
            assert row["recommended_products"] == ([f"of {who}"] if who in may else [])
            assert who in may or (row["recommended_action"], row["holdout_actions"]) == ("none", [])
            assert who in may or row["action_reason"] == reasons[who]
    assert result["suppressed"] == 3
    [status] = query(shop.warehouse, "SELECT * FROM marketing.status")
    assert (status["suppressed"], status["consent_missing"], status["consent_unreadable"]) == (3, 1, 1)
    assert status["consent_rule"] == "whose consent is not known is left alone: crm delivers consent"
    assert status["warnings"] == [
        "the consent of 1 customers could not be read and counts as no, for example 'withdrawn': say what the word means under "
        "values.consent in include/dimensions/crm.yaml"
    ]


def test_what_is_said_after_the_publication_counts_when_an_audience_is_read_and_history_keeps_what_was_known(shop):
    morning(shop)
    published = query(shop.warehouse, "SELECT * FROM marketing.customer_scores ORDER BY 1")
    shop.deliver("crm", D, "ann,no,FR", "ben,yes,FR", "dan,yes,FR")
    now = {row["customer_id"]: row for row in query(shop.warehouse, LATEST)}
    assert {who: row["suppressed_reason"] for who, row in now.items()} == {
        "ann": NO, "ben": None, "cat": None, "dan": None, "eve": UNREADABLE
    }  # fmt: skip
    assert {who: row["consent"] for who, row in now.items()} == {
        "ann": False, "ben": True, "cat": True, "dan": True, "eve": False
    }  # fmt: skip
    assert (now["ann"]["recommended_action"], now["ann"]["recommended_products"]) == ("none", [])
    assert query(shop.warehouse, "SELECT * FROM marketing.customer_scores ORDER BY 1") == published


def test_a_delivery_that_came_after_the_recommendations_stops_them_at_publication(shop):
    recommend.products(shop.warehouse, D)
    recommend.actions(shop.warehouse, D)
    shop.deliver("crm", D - days(1), "ann,no,FR")
    publish_marketing.publish(shop.warehouse, D)
    [ann] = query(shop.warehouse, "SELECT * FROM marketing.customer_scores WHERE customer_id = 'ann'")
    assert (ann["recommended_action"], ann["action_reason"], ann["recommended_products"]) == ("none", NO, [])


def test_a_shop_in_which_nobody_may_be_contacted_is_published(shop):
    shop.deliver("crm", D - days(1), *(f"{who},no,FR" for who in PEOPLE))
    assert morning(shop)["warnings"][-1].startswith("nobody may be contacted")
    assert query(shop.warehouse, "SELECT * FROM marketing.product_recommendations") == []


def test_products_that_are_missing_are_still_missed(shop):
    recommend.actions(shop.warehouse, D)
    with pytest.raises(CheckFailedError, match="no rows for the date although customers who may be contacted bought"):
        publish_marketing.publish(shop.warehouse, D)


def test_without_a_dimension_of_customers_nobody_is_left_alone_and_it_is_said(shop):
    execute(shop.warehouse, "TRUNCATE raw.customer_versions, raw.customer_consents")
    shop.configure(dimensions=[])
    morning(shop)
    assert {row["suppressed_reason"] for row in query(shop.warehouse, LATEST)} == {None}
    [status] = query(shop.warehouse, "SELECT consent_rule, suppressed, consent_missing FROM marketing.status")
    assert status["consent_rule"].startswith("consent is not managed here")
    assert (status["suppressed"], status["consent_missing"]) == (0, 5)


def test_a_dimension_switched_on_after_the_publication_leaves_the_unknown_alone_from_its_first_load(shop):
    execute(shop.warehouse, "TRUNCATE raw.customer_versions, raw.customer_consents")
    shop.configure(dimensions=[])
    morning(shop)
    shop.configure(dimensions=["crm"])
    shop.deliver("crm", D, "ann,yes,FR", "ben,no,FR")
    assert {row["customer_id"] for row in query(shop.warehouse, LATEST) if row["suppressed_reason"] is None} == {"ann"}


def test_every_audience_of_the_documents_keeps_to_what_is_said_by_now(shop):
    morning(shop)
    execute(
        shop.warehouse,
        "CREATE TEMPORARY TABLE before AS SELECT * FROM marketing.customer_scores;"
        "UPDATE before SET as_of_date = as_of_date - 7;"
        "SELECT raw.ensure_partitions('marketing.customer_scores', :day, :day, 'month');"
        "INSERT INTO marketing.customer_scores SELECT * FROM before",
        day=D - days(7),
    )
    shop.deliver("crm", D, "ann,no,FR")
    assert len(AUDIENCES) >= 6
    for statement in AUDIENCES:
        with shop.warehouse.begin("marketing_reader") as connection:
            found = {row["customer_id"] for row in connection.execute(sa.text(statement)).mappings()}
        assert found == ({"ann", "ben", "dan", "eve"} if "AS why" in statement else {"cat"}), statement
