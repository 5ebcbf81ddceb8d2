"""Labels and populations against values worked out by hand."""

from datetime import date, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from customer_behavior.features import snapshot
from customer_behavior.names import Role
from customer_behavior.settings import Population, Target, load_settings, load_targets
from customer_behavior.targets.dataset import read_rows
from customer_behavior.targets.outcome import Kind
from support.rollup_shop import open_shop

D = date(2024, 1, 20)
HORIZON = 7
FEATURES = load_settings().features


def rows_of(warehouse, label: str, known_at: date, days: int = 180, kind: Kind = "probability") -> dict[str, float]:
    population = Population(name="bought_within", days=days)
    target = Target(meaning="as tested", horizons=(HORIZON,), label=label, kind=kind, population=population)
    with warehouse.begin("train") as connection:
        frame = read_rows(connection, target, HORIZON, D, known_at, FEATURES)
    assert frame["customer_id"].is_monotonic_increasing
    return dict(zip(frame["customer_id"], frame["label"].tolist(), strict=True))


@pytest.fixture
def shop(warehouse, config):
    """Everyone bought on 10 January; what they did from D on is their name."""
    later = {
        "on_the_first_day": [D],
        "on_the_last_day": [D + timedelta(days=HORIZON - 1)],
        "a_day_too_late": [D + timedelta(days=HORIZON)],
        "never_again": [],
        "the_day_before": [D - timedelta(days=1)],
    }
    bought = [(name, day, day) for name, days in later.items() for day in [date(2024, 1, 10), *days]]
    bought.append(("delivered_late", date(2024, 1, 10), date(2024, 1, 10)))
    bought.append(("delivered_late", D + timedelta(days=2), D + timedelta(days=12)))
    bought.append(("long_ago", date(2024, 1, 2), date(2024, 1, 2)))
    open_shop(warehouse, pd.DataFrame(bought, columns=["customer_id", "event_day", "batch_date"]), days=60)
    snapshot.build(warehouse, load_settings(), D, role=Role.TRAIN)
    return warehouse


BOUGHT = {
    "on_the_first_day": 1,
    "on_the_last_day": 1,
    "a_day_too_late": 0,
    "never_again": 0,
    "the_day_before": 0,
    "delivered_late": 1,
    "long_ago": 0,
}


def test_purchase_is_bought_within_the_horizon_and_lapse_the_opposite(shop):
    known_at = D + timedelta(days=30)
    assert rows_of(shop, "purchase", known_at) == BOUGHT
    assert rows_of(shop, "lapse", known_at) == {name: 1 - value for name, value in BOUGHT.items()}


def test_a_label_holds_nothing_that_was_delivered_after_it_was_read(shop):
    known_at = D + timedelta(days=12)  # the late batch has this date: it is known a day later
    assert rows_of(shop, "purchase", known_at)["delivered_late"] == 0
    assert rows_of(shop, "purchase", known_at + timedelta(days=1))["delivered_late"] == 1
    assert rows_of(shop, "lapse", known_at)["delivered_late"] == 1


def test_value_is_what_was_spent_within_the_horizon_with_the_cents(shop):
    with shop.begin() as connection:
        connection.execute(
            sa.text("UPDATE features.customer_day SET revenue = 10.25 WHERE event_day >= :day"), {"day": D}
        )
        connection.execute(
            sa.text(
                "UPDATE features.customer_day SET revenue = -4 WHERE customer_id = 'on_the_last_day' AND event_day > :day"
            ),
            {"day": D},
        )
    spent = rows_of(shop, "value", D + timedelta(days=30), kind="amount")
    # Returns weigh against what was bought; whoever gave back more than they bought has spent nothing.
    assert spent == {name: 10.25 * bought for name, bought in BOUGHT.items()} | {"on_the_last_day": 0}
    late = rows_of(shop, "value", D + timedelta(days=12), kind="amount")  # its batch is not known yet
    assert late == spent | {"delivered_late": 0}


def test_staff_and_bots_are_in_no_population(shop):
    with shop.begin() as connection:
        connection.execute(
            sa.text("UPDATE features.customer_snapshot SET flagged = 'bot' WHERE customer_id = 'never_again'")
        )
    known_at = D + timedelta(days=30)
    assert rows_of(shop, "purchase", known_at) == {
        name: bought for name, bought in BOUGHT.items() if name != "never_again"
    }


def test_the_population_is_who_bought_in_the_days_before(shop):
    known_at = D + timedelta(days=30)
    assert set(rows_of(shop, "purchase", known_at, days=10)) == set(BOUGHT) - {"long_ago"}
    assert set(rows_of(shop, "purchase", known_at, days=1)) == {"the_day_before"}


def test_the_shipped_targets_name_files_that_are_there(warehouse, config):
    with warehouse.begin("train") as connection:
        for target in load_targets().targets.values():
            features = load_settings().model_features(target.entity)
            assert read_rows(connection, target, target.horizons[0], D, D, features).empty
