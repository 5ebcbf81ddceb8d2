"""The form of maintain_warehouse."""

import pytest

from customer_behavior import maintenance
from customer_behavior.errors import ConfigurationError
from recommend.mornings import D, days, query, write_events, write_model

PROMOTIONS = "SELECT model_id, effective_as_of, actor FROM models.promotions ORDER BY promotion_id"


def test_retention_and_erasure_are_dry_runs_unless_the_form_says_otherwise(warehouse):
    write_events(warehouse, [{"customer_id": "ann", "product_id": "milk", "event_day": D}])
    assert maintenance.run_operation(warehouse, D, {})["dry_run"] is True
    form = {"operation": "erase", "customer_id": "ann"}
    assert maintenance.run_operation(warehouse, D, form)["dry_run"] is True
    assert query(warehouse, "SELECT count(*) AS n FROM raw.events") == [{"n": 1}]
    maintenance.run_operation(warehouse, D, {**form, "dry_run": False})
    assert query(warehouse, "SELECT count(*) AS n FROM raw.events") == [{"n": 0}]


def test_a_rollback_is_a_new_promotion(warehouse):
    write_model(warehouse, "old", trained_as_of=D - days(20))
    write_model(warehouse, "new", trained_as_of=D - days(10))
    form = {"operation": "rollback", "target": "purchase", "horizon_days": 7, "model_id": "old", "actor": "kim"}
    done = maintenance.run_operation(warehouse, D, form)
    assert (done["from"], done["to"], done["dry_run"]) == ("new", "old", True)
    assert len(query(warehouse, PROMOTIONS)) == 2
    maintenance.run_operation(warehouse, D, {**form, "dry_run": False})
    assert query(warehouse, PROMOTIONS)[-1] == {"model_id": "old", "effective_as_of": D, "actor": "kim"}


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"operation": "erase"}, "no customer_id, which operation erase needs"),
        ({"operation": "rollback", "target": "purchase", "horizon_days": 7, "model_id": "m"}, "no actor"),
        ({"operation": "vacuum"}, "'vacuum' is none of retention, erase, rollback"),
    ],
)
def test_a_form_that_is_not_whole_says_what_is_missing(warehouse, form, message):
    with pytest.raises(ConfigurationError, match=message):
        maintenance.run_operation(warehouse, D, form)
