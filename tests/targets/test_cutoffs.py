from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_behavior.settings import load_targets
from customer_behavior.targets.cutoffs import HISTORY_DAYS, Cutoffs, plan_cutoffs

AS_OF = date(2017, 12, 24)


def plan(history_days: int, horizon: int, **changes) -> Cutoffs:
    settings = load_targets().training.model_copy(update=changes)
    return plan_cutoffs(AS_OF - timedelta(days=history_days), AS_OF, horizon, settings)


def test_a_year_of_history_gives_every_part_what_it_asks_for():
    cutoffs = plan(357, 7, fit_snapshots=20, tune_snapshots=3, calibration_snapshots=2, test_snapshots=1, step_days=7)
    assert cutoffs.test == (date(2017, 12, 17),)
    assert cutoffs.calibration == (date(2017, 12, 3), date(2017, 12, 10))
    assert cutoffs.tune == (date(2017, 11, 12), date(2017, 11, 19), date(2017, 11, 26))
    assert len(cutoffs.fit) == 17
    assert cutoffs.fit[-1] == date(2017, 11, 5)
    assert len(cutoffs.learn) == 20


def test_a_horizon_longer_than_the_step_leaves_dates_out_between_the_parts():
    cutoffs = plan(357, 28, fit_snapshots=6, tune_snapshots=1, calibration_snapshots=2, test_snapshots=2, step_days=7)
    assert cutoffs.test == (date(2017, 11, 19), date(2017, 11, 26))
    assert cutoffs.calibration == (date(2017, 10, 15), date(2017, 10, 22))
    assert cutoffs.tune == (date(2017, 9, 17),)
    assert cutoffs.gap == (date(2017, 8, 27), date(2017, 9, 3), date(2017, 9, 10))
    assert cutoffs.fit == (date(2017, 8, 13), date(2017, 8, 20))
    assert cutoffs.learn == (*cutoffs.fit, *cutoffs.gap, *cutoffs.tune)
    assert cutoffs.calibration_gap == (date(2017, 9, 24), date(2017, 10, 1), date(2017, 10, 8))
    assert cutoffs.test_gap == (date(2017, 10, 29), date(2017, 11, 5), date(2017, 11, 12))
    assert cutoffs.gaps == (*cutoffs.gap, *cutoffs.calibration_gap, *cutoffs.test_gap)


def test_ten_weeks_of_history_are_enough_for_a_week_ahead_and_not_for_four():
    week = plan(70, 7, tune_snapshots=3, calibration_snapshots=2, test_snapshots=1, step_days=7)
    assert week.complete
    assert {name: len(days) for name, days in week.parts().items()} == {
        "fit": 3, "gap": 0, "tune": 1, "calibration_gap": 0, "calibration": 1, "test_gap": 0, "test": 1
    }  # fmt: skip
    month = plan(70, 28, step_days=7)
    assert not month.complete
    assert (
        month.all() == month.fit == (AS_OF - timedelta(days=42), AS_OF - timedelta(days=35), AS_OF - timedelta(days=28))
    )


def test_a_shop_too_young_for_two_calibration_dates_uses_one():
    cutoffs = plan(28 + 7 * 3, 7, calibration_snapshots=2, test_snapshots=1, step_days=7)
    assert (len(cutoffs.fit), len(cutoffs.calibration), len(cutoffs.test)) == (1, 1, 1)


def test_a_shop_of_three_days_has_no_date_at_all():
    assert plan(3, 7) == Cutoffs()


@given(
    history=st.integers(0, 900),
    horizon=st.integers(1, 60),
    step=st.integers(1, 40),
    fits=st.integers(1, 25),
    calibrations=st.integers(1, 5),
    reports=st.integers(1, 5),
    tunes=st.integers(1, 5),
)
def test_label_windows_never_overlap_across_the_parts_and_are_known(
    history, horizon, step, fits, calibrations, reports, tunes
):
    cutoffs = plan(
        history,
        horizon,
        step_days=step,
        fit_snapshots=fits,
        calibration_snapshots=calibrations,
        test_snapshots=reports,
        tune_snapshots=tunes,
    )
    width = timedelta(days=horizon)
    split = (cutoffs.fit, cutoffs.tune, cutoffs.calibration, cutoffs.test)
    for earlier, later in [*pairwise(split), (cutoffs.learn, cutoffs.calibration)]:
        if earlier and later:
            assert max(earlier) + width <= min(later)
    if cutoffs.complete:  # from the first date on, none of the grid is left out
        assert len(cutoffs.all()) == (max(cutoffs.all()) - min(cutoffs.all())).days // step + 1
    assert all(day + width <= AS_OF for day in cutoffs.all())
    assert all(day > AS_OF - timedelta(days=history) for day in cutoffs.all())
    assert len(cutoffs.learn) <= fits
    assert len(cutoffs.tune) <= tunes
    assert list(cutoffs.all()) == sorted(set(cutoffs.all()))
    assert len(cutoffs.calibration) <= calibrations
    assert len(cutoffs.test) <= reports
    if history >= HISTORY_DAYS + 3 * horizon + 3 * step:
        assert cutoffs.complete


@pytest.mark.parametrize("part", ["fit", "calibration", "test"])
def test_a_part_without_a_date_is_not_complete(part):
    whole = {"fit": (AS_OF,), "calibration": (AS_OF,), "test": (AS_OF,)}
    assert Cutoffs(**whole).complete
    assert not Cutoffs(**{**whole, part: ()}).complete


@given(st.integers(0, 400), st.sampled_from([1, 7, 30, 90]), st.integers(0, 30))
def test_no_label_is_used_before_what_comes_late_has_come(history_days: int, horizon: int, lateness: int):
    settings = load_targets().training
    first = AS_OF - timedelta(days=history_days)
    cutoffs = plan_cutoffs(first, AS_OF, horizon, settings, lateness_days=lateness)
    assert all(day + timedelta(days=horizon + lateness) <= AS_OF for day in cutoffs.all())
    as_if_earlier = plan_cutoffs(first, AS_OF - timedelta(days=lateness), horizon, settings)
    assert cutoffs == as_if_earlier
