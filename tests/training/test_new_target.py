"""A target is a row of targets.yaml: it is trained and scored without a line of code."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
import yaml

from customer_behavior.errors import ConfigurationError
from customer_behavior.features import snapshot
from customer_behavior.settings import TargetKey, load_settings, load_targets
from customer_behavior.stages import score_customers, train_models
from support.rollup_shop import FIRST_DAY, open_shop, purchases

pytestmark = pytest.mark.usefixtures("blank_page")

DAYS = 120
AS_OF = FIRST_DAY + timedelta(days=DAYS - 1)


@pytest.fixture
def add_target(config):
    def add(**target) -> None:
        path = config / "targets.yaml"
        targets = yaml.safe_load(path.read_text())
        targets["targets"]["soon"] = target
        path.write_text(yaml.safe_dump(targets))

    return add


SOON = {
    "meaning": "buys within five days",
    "horizons": [5],
    "label": "purchase",
    "population": {"name": "bought_within", "days": 60},
}


def test_a_target_of_yaml_alone_is_trained_and_scored(warehouse, add_target):
    open_shop(warehouse, purchases(DAYS), DAYS)
    add_target(**SOON)
    keys = [TargetKey(target="purchase", horizon_days=7), TargetKey(target="soon", horizon_days=5)]
    assert keys[1] in load_targets().scored_keys()
    trained = train_models.train_targets(warehouse, AS_OF, promote=True, run_id=None, targets=keys)
    assert trained[1]["evaluations"]["model"]["auc"] > 0.7

    night = AS_OF + timedelta(days=1)
    snapshot.build(warehouse, load_settings(), night)
    for bucket in score_customers.plan_buckets(warehouse, night):
        score_customers.score_bucket(warehouse, night, bucket=bucket, buckets=1, run_token="night", run_id=None)
    published = score_customers.publish_scores(warehouse, night, run_token="night", buckets=1, run_id=None)
    assert published["models"] == {str(key): one["model_id"] for key, one in zip(keys, trained, strict=True)}
    probability = (
        "SELECT target, count(*), avg(probability) BETWEEN 0.1 AND 0.9 FROM models.scores GROUP BY 1 ORDER BY 1"
    )
    with warehouse.begin() as connection:
        (purchase, soon) = (tuple(row) for row in connection.execute(sa.text(probability)))
        asked = connection.execute(
            sa.text(
                "SELECT count(*) FROM features.customer_snapshot WHERE as_of_date = :day AND days_since_purchase <= 60"
            ),
            {"day": night},
        ).scalar_one()
    assert soon == ("soon", asked, True)
    assert purchase[1] >= asked


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"label": "nowhere"}, "labels/nowhere.sql, only gross_value, lapse, purchase, value"),
        (
            {"population": {"name": "everybody", "days": 9}},
            "populations/everybody.sql, only bought_within, seen_within",
        ),
        ({"horizons": []}, "horizons"),
        ({"kind": "guess"}, "kind"),
    ],
)
def test_a_target_that_cannot_be_asked_is_refused_with_its_place(add_target, wrong, named):
    add_target(**SOON | wrong)
    with pytest.raises(ConfigurationError, match=named):
        load_targets()
