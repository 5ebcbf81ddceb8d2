"""Shops that trainings of several tests begin with, each made once."""

from contextlib import contextmanager

import pytest

from conftest import TEMPLATE
from customer_behavior.features import snapshot
from customer_behavior.names import Role
from customer_behavior.reporting import training_report
from customer_behavior.settings import load_settings
from customer_behavior.targets.cutoffs import plan_cutoffs
from support.rollup_shop import FIRST_DAY, open_shop, purchases, small_config
from support.training_shop import AS_OF, DAYS, LATENESS, PURCHASE, WEEK_BEFORE, train


@pytest.fixture(scope="module")
def opened(copy_of, keep_as, tmp_path_factory):
    """A shop with the snapshots that its trainings read."""
    with copy_of(TEMPLATE) as warehouse, a_configuration(tmp_path_factory):
        open_shop(warehouse, purchases(DAYS), DAYS)
        settings = load_settings()
        training = settings.targets.training_of("purchase")
        for as_of in (WEEK_BEFORE, AS_OF):
            for day in plan_cutoffs(
                FIRST_DAY, as_of, PURCHASE.horizon_days, training, lateness_days=LATENESS.days
            ).all():
                snapshot.build(warehouse, settings, day, role=Role.TRAIN, only_if_missing=True)
        return keep_as(warehouse)


@contextmanager
def a_configuration(folders):
    folder = folders.mktemp("config")
    small_config(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTOMER_BEHAVIOR_CONFIG", str(folder))
        patch.setattr(training_report, "render", lambda _: "<html>blank</html>")
        yield


@pytest.fixture(scope="module")
def served(opened, copy_of, keep_as, tmp_path_factory):
    """The shop whose champion was trained a week before; and what that training returned."""
    with copy_of(opened) as warehouse, a_configuration(tmp_path_factory):
        return train(warehouse, WEEK_BEFORE)[0], keep_as(warehouse)


@pytest.fixture(scope="module")
def trained(opened, copy_of, keep_as, tmp_path_factory):
    """The shop whose first model was trained as of AS_OF; and what that training returned."""
    with copy_of(opened) as warehouse, a_configuration(tmp_path_factory):
        return train(warehouse)[0], keep_as(warehouse)


@pytest.fixture
def shop(opened, copy_of, config):
    with copy_of(opened) as warehouse:
        yield warehouse


@pytest.fixture
def served_shop(served, copy_of, config):
    with copy_of(served[1]) as warehouse:
        yield warehouse


@pytest.fixture
def trained_shop(trained, copy_of, config):
    with copy_of(trained[1]) as warehouse:
        yield warehouse
