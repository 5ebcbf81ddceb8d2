"""Actions in the warehouse: what earlier dates say, and the order of dates."""

import pytest

from customer_behavior.errors import NotReadyError
from customer_behavior.stages import recommend
from support.mornings import D, days, execute, query, without, write_scores, write_snapshot

ROWS = "SELECT * FROM marketing.action_recommendations ORDER BY as_of_date, customer_id"
LEAVING = {"orders_lifetime": 9, "cycle_position": 1, "categories_per_day_90d": 9}


def morning(warehouse, as_of, *customers):
    """Everybody is likely to leave, which is `win_back` of the shipped actions.yaml."""
    write_snapshot(warehouse, as_of, dict.fromkeys(customers, LEAVING))
    write_scores(warehouse, as_of, dict.fromkeys(customers, 0.5))
    write_scores(warehouse, as_of, dict.fromkeys(customers, 0.75), target="lapse", horizon_days=28)


def actions_of(warehouse, as_of):
    return {row["customer_id"]: row for row in query(warehouse, ROWS) if row["as_of_date"] == as_of}


def test_every_scored_customer_has_a_row_and_the_held_out_keep_their_action(warehouse):
    names = [f"c{n:03d}" for n in range(200)]
    morning(warehouse, D, *names)
    write_snapshot(warehouse, D, {"not scored": LEAVING})
    result = recommend.actions(warehouse, D, run_id="r")
    rows = actions_of(warehouse, D)
    assert sorted(rows) == names
    assert {row["action"] for row in rows.values()} == {"win_back"}
    assert {row["reason"] for row in rows.values()} == {"likely to leave (75%) after 9 orders"}
    held_out = sum(row["holdout"] for row in rows.values())
    assert 5 <= held_out <= 40
    assert result == {"as_of": "2024-03-10", "rows": 200, "actions": {"win_back": 200}, "held_out": held_out}


def test_cooldown_counts_from_the_last_action_of_earlier_dates(warehouse):
    for n in range(16):
        morning(warehouse, D + days(n), "ann")
        recommend.actions(warehouse, D + days(n))
    rows = query(warehouse, ROWS)
    assert [row["as_of_date"] for row in rows if row["action"] != "none"] == [D, D + days(14)]
    assert [row["last_action_date"] for row in rows] == [None] + [D] * 14 + [D + days(14)]


def test_a_date_done_again_ignores_itself_and_later_dates(warehouse):
    for n in range(3):
        morning(warehouse, D + days(n), "ann", "bob")
        recommend.actions(warehouse, D + days(n))
    before = query(warehouse, ROWS)
    recommend.actions(warehouse, D + days(1))
    recommend.actions(warehouse, D)
    assert query(warehouse, ROWS) == before
    writes = query(warehouse, "SELECT slice, rows_deleted, rows_written FROM monitoring.write_audit ORDER BY audit_id")
    assert without(writes)[-1] == {"slice": "2024-03-10", "rows_deleted": 2, "rows_written": 2}


def test_out_of_order_it_names_the_first_missing_date(warehouse):
    for n in (0, 1, 2, 3):
        morning(warehouse, D + days(n), "ann")
    recommend.actions(warehouse, D)
    with pytest.raises(NotReadyError, match=r"ends at 2024-03-10.*run recommend for as-of date 2024-03-11 first"):
        recommend.actions(warehouse, D + days(3))
    assert [row["as_of_date"] for row in query(warehouse, ROWS)] == [D]


def test_without_scores_of_the_primary_target_it_names_date_and_dag(warehouse):
    write_scores(warehouse, D, {"ann": 0.5}, target="lapse", horizon_days=28)
    with pytest.raises(NotReadyError, match="no purchase/7d for 2024-03-10: run score_customers"):
        recommend.actions(warehouse, D)


def test_a_customer_who_is_not_active_has_no_lapse_and_no_rule_of_it(warehouse):
    morning(warehouse, D, "ann")
    execute(warehouse, "DELETE FROM models.scores WHERE target = 'lapse'")
    recommend.actions(warehouse, D)
    assert actions_of(warehouse, D)["ann"]["action"] == "none"
