"""Sessions are trained by the same path as customers: visits of raw.events in, a judged model of `conversion` out."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from customer_behavior.settings import TargetKey, load_targets
from customer_behavior.stages import train_models
from customer_behavior.warehouse import copy_frame, ensure_partitions
from support.rollup import roll_up
from support.rollup_shop import FIRST_DAY, SOURCE, open_shop
from support.visits import ZONE, event

pytestmark = pytest.mark.usefixtures("blank_page")

DAYS = 60
VISITS_A_DAY = 60
AS_OF = FIRST_DAY + timedelta(days=DAYS)
CONVERSION = TargetKey(target="conversion", horizon_days=1)


def visit(random: np.random.Generator, number: int, day: date) -> list[dict]:
    """A view, then perhaps a cart, then perhaps a purchase, much more often after a cart."""
    begin = datetime(day.year, day.month, day.day, 9, tzinfo=ZONE) + timedelta(minutes=int(random.integers(0, 600)))
    cart = random.random() < 0.4
    bought = random.random() < (0.6 if cart else 0.04)
    types = ["view", "cart" if cart else "view", "view", *(["purchase"] if bought else [])]
    same = {"session_id": f"s{number}", "customer_id": f"c{number % 700}", "source": SOURCE, "price": 9.5}
    return [
        event(10 * number + n, begin + timedelta(minutes=n), event_type=kind, **same) for n, kind in enumerate(types)
    ]


@pytest.fixture
def shop(warehouse, config):
    random = np.random.default_rng(1)
    days = [FIRST_DAY + timedelta(days=n) for n in range(DAYS)]
    events = []
    for n in range(DAYS * VISITS_A_DAY):
        events += visit(random, n, days[n // VISITS_A_DAY])
    open_shop(warehouse, pd.DataFrame({"customer_id": [], "event_day": []}), DAYS)
    with warehouse.begin() as connection:
        ensure_partitions(connection, "raw.events", days[0], days[-1])
        copy_frame(connection, "raw.events", pd.DataFrame(events, dtype=object))
        connection.execute(sa.text("ANALYZE raw.events"))
    with warehouse.begin("ingest") as connection:
        roll_up(connection, SOURCE, str(ZONE))
    return warehouse


def test_sessions_are_learnt_from_judged_and_registered_and_not_scored_at_night(shop, config):
    settings = config / "shop.yaml"
    settings.write_text(yaml.safe_dump({**yaml.safe_load(settings.read_text()), "staff": ["c1"]}))
    (summary,) = train_models.train_targets(shop, AS_OF, promote=True, run_id="test", targets=[CONVERSION])
    assert (summary["confidence"], summary["promoted"]) == ("normal", True)
    with shop.begin() as connection:
        looked_at = connection.execute(
            sa.text("SELECT count(*), count(*) FILTER (WHERE customer_id = 'c1'), count(*) FILTER (WHERE after_events > 3)"
                    " FROM features.session_snapshot")
        ).one()  # fmt: skip
        columns = connection.execute(sa.text("SELECT card -> 'columns' FROM models.model_versions")).scalar_one()
    days = summary["cutoffs"]
    assert len({day for part in days.values() for day in part}) == DAYS - 28
    every, of_staff, after_purchase = looked_at
    assert of_staff > 0 == after_purchase
    assert sum(summary["rows"].values()) == every - of_staff
    assert "carts" in columns
    # Half of the rows are of the first view, when nothing tells who will buy.
    assert 0.7 < summary["evaluations"]["model"]["auc"] < 0.95
    assert CONVERSION not in load_targets().scored_keys()
