"""Products: the customer's own, decayed; only what was known; the same twice."""

import pytest

from customer_behavior.errors import NotReadyError
from customer_behavior.stages import recommend
from support.mornings import D, days, query, without, write_events, write_scores

ROWS = "SELECT * FROM marketing.product_recommendations ORDER BY as_of_date, customer_id, rank"


def bought(product, *ages, customer="ann", **more):
    return [{"customer_id": customer, "product_id": product, "event_day": D - days(age), **more} for age in ages]


def test_a_purchase_a_half_life_ago_counts_half(warehouse):
    # With a half-life of 30 days: milk 0.5 + 0.25 + 0.125 = 0.875; bread 0.5^(1/30) = 0.977; soap 0.5^(60/30) = 0.25.
    write_scores(warehouse, D, {"ann": 0.5})
    write_events(warehouse, bought("milk", 30, 60, 90) + bought("bread", 1) + bought("soap", 60))
    assert recommend.products(warehouse, D, run_id="r") == {"as_of": "2024-03-10", "rows": 3}
    rows = query(warehouse, ROWS)
    assert [(row["rank"], row["product_id"], row["reason"]) for row in rows] == [
        (1, "bread", "bought once, 1 day ago"),
        (2, "milk", "bought 3 times, last 30 days ago"),
        (3, "soap", "bought once, 60 days ago"),
    ]
    assert [row["score"] for row in rows] == pytest.approx([0.977159968, 0.875, 0.25], abs=1e-9)


def test_two_lines_of_a_day_count_once(warehouse):
    write_scores(warehouse, D, {"ann": 0.5})
    write_events(warehouse, bought("milk", 30, 30, 30))
    recommend.products(warehouse, D)
    (row,) = query(warehouse, ROWS)
    assert (row["score"], row["reason"]) == (0.5, "bought once, 30 days ago")


def test_equal_scores_go_by_the_product(warehouse):
    write_scores(warehouse, D, {"ann": 0.5})
    write_events(warehouse, bought("b", 3) + bought("B", 3) + bought("a", 3))
    recommend.products(warehouse, D)
    assert [row["product_id"] for row in query(warehouse, ROWS)] == ["B", "a", "b"]


def test_only_purchases_that_were_known_within_the_window_count(warehouse):
    write_scores(warehouse, D, {"ann": 0.5})
    write_events(
        warehouse,
        bought("kept", 365)
        + bought("too old", 366)
        + bought("today", 0, batch_date=D - days(1))
        + bought("late", 5, batch_date=D)
        + bought("only seen", 5, event_type="view")
        + bought("nobody's", 5, customer=None),
    )
    recommend.products(warehouse, D)
    assert [row["product_id"] for row in query(warehouse, ROWS)] == ["kept"]


def test_five_products_a_customer_at_most(warehouse):
    write_scores(warehouse, D, {"ann": 0.5})
    write_events(warehouse, [row for age in range(1, 8) for row in bought(f"p{age}", age)])
    recommend.products(warehouse, D)
    assert [row["product_id"] for row in query(warehouse, ROWS)] == ["p1", "p2", "p3", "p4", "p5"]


def test_a_second_run_writes_again_and_the_same(warehouse):
    write_scores(warehouse, D, {"ann": 0.5, "bob": 0.5})
    write_events(warehouse, bought("milk", 1, 2, 33) + bought("tea", 7, 8, customer="bob"))
    recommend.products(warehouse, D)
    first = query(warehouse, ROWS)
    recommend.products(warehouse, D, run_id="second")
    assert query(warehouse, ROWS) == first
    audits = query(
        warehouse,
        "SELECT * FROM monitoring.write_audit WHERE table_name = 'marketing.product_recommendations' ORDER BY audit_id",
    )
    assert without(audits, "audit_id", "written_at", "table_name") == [
        {"slice": "2024-03-10", "rows_deleted": 0, "rows_written": 2, "run_id": None},
        {"slice": "2024-03-10", "rows_deleted": 2, "rows_written": 2, "run_id": "second"},
    ]


def test_without_scores_it_names_the_date_and_the_dag(warehouse):
    write_scores(warehouse, D - days(1), {"ann": 0.5})
    with pytest.raises(NotReadyError, match=r"no purchase/7d for 2024-03-10: run score_customers"):
        recommend.products(warehouse, D)
