"""Which past dates a model is fitted, tuned, calibrated and tested on."""

from dataclasses import dataclass
from datetime import date, timedelta

from customer_behavior.settings import Training

HISTORY_DAYS = 28
"""Days a shop must have been watched before a date is worth a snapshot: younger ones have no full 28-day window."""


MINIMUM_FIT_DATES = 2
"""Dates to fit that have to be left before dates are taken for tuning."""


@dataclass(frozen=True)
class Cutoffs:
    """As-of dates of the snapshots, each part ascending. The label window of a date D is [D, D + horizon).

    Hyperparameters are tried by a fit on `fit` and judged on `tune`. A gap has the dates before a part whose label windows reach
    into it: they have no say in what is judged on that part, and are learnt from afterwards. The procedure is judged by a fit on
    all that ended before `test`; what serves is the same procedure fitted on all dates.
    """

    fit: tuple[date, ...] = ()
    gap: tuple[date, ...] = ()
    tune: tuple[date, ...] = ()
    calibration_gap: tuple[date, ...] = ()
    calibration: tuple[date, ...] = ()
    test_gap: tuple[date, ...] = ()
    test: tuple[date, ...] = ()

    @property
    def learn(self) -> tuple[date, ...]:
        """The dates to learn from before those that calibrate, ascending."""
        return (*self.fit, *self.gap, *self.tune)

    @property
    def gaps(self) -> tuple[date, ...]:
        """The dates of no part that anything is judged on, ascending."""
        return (*self.gap, *self.calibration_gap, *self.test_gap)

    @property
    def complete(self) -> bool:
        """Whether there is a date for each part that a model needs; tuning can be left out."""
        return bool(self.fit and self.calibration and self.test)

    def parts(self) -> dict[str, tuple[date, ...]]:
        """Return each part's dates by its name, earliest part first."""
        return {name: getattr(self, name) for name in PARTS}

    def all(self) -> tuple[date, ...]:
        """Return every date, ascending."""
        return tuple(sorted(day for days in self.parts().values() for day in days))


PARTS = ("fit", "gap", "tune", "calibration_gap", "calibration", "test_gap", "test")


def plan_cutoffs(
    first_event_day: date, as_of: date, horizon_days: int, settings: Training, *, lateness_days: int = 0
) -> Cutoffs:
    """Return the dates to fit, tune, calibrate and test on, with no overlap of label windows across these four.

    The dates lie on a grid of `step_days` that goes back from the newest date whose label is whole at `as_of`: its window has ended,
    and what comes `lateness_days` late has come. It goes back to no date before `first_event_day` + 28 days. The newest
    `test_snapshots` are the test dates; those whose label windows end at or before the first test date calibrate, at most
    `calibration_snapshots`; those that end at or before the first calibration date are learnt from, at most `fit_snapshots`: the
    newest `tune_snapshots` of them tune, and those that end at or before the first of these fit.

    Of the dates to fit, tune and calibrate those whose label windows reach into the next part are its gap.

    A younger shop, in this order: fewer dates to fit; then one date each to test, calibrate and tune instead of several;
    then no tuning, with the hyperparameters of the settings; then no parts (`complete` is false): all dates there are, at most
    `fit_snapshots`, are `fit`, and a shop of less than 28 days has the newest date alone, or none.
    """
    horizon = timedelta(days=horizon_days)
    newest = as_of - horizon - timedelta(days=lateness_days)
    grid = _grid(first_event_day, newest, settings.step_days)
    one = settings.model_copy(update={"test_snapshots": 1, "calibration_snapshots": 1, "tune_snapshots": 1})
    asked, least = _split(grid, horizon, settings), _split(grid, horizon, one)
    if asked.complete and (asked.tune or not least.tune):
        return asked
    if least.complete:
        return least
    if grid:
        return Cutoffs(fit=tuple(grid[: settings.fit_snapshots][::-1]))
    return Cutoffs(fit=(newest,)) if newest > first_event_day else Cutoffs()


def _grid(first_event_day: date, newest: date, step_days: int) -> list[date]:
    """Return the possible dates, newest first."""
    earliest = first_event_day + timedelta(days=HISTORY_DAYS)
    count = (newest - earliest).days // step_days + 1
    return [newest - timedelta(days=step_days * n) for n in range(max(count, 0))]


def _split(grid: list[date], horizon: timedelta, settings: Training) -> Cutoffs:
    test = grid[: settings.test_snapshots]
    calibration = _before(test, grid, horizon)[: settings.calibration_snapshots]
    learn = _before(calibration, grid, horizon)[: settings.fit_snapshots]
    tune = learn[: settings.tune_snapshots]
    fit = _before(tune, learn, horizon)
    if len(fit) < MINIMUM_FIT_DATES:
        tune, fit = [], learn
    gap = [day for day in learn if day not in fit and day not in tune]
    calibration_gap, test_gap = _between(learn, calibration, grid), _between(calibration, test, grid)
    parts = (fit, gap, tune, calibration_gap, calibration, test_gap, test)
    return Cutoffs(*(tuple(days[::-1]) for days in parts))


def _between(earlier: list[date], later: list[date], grid: list[date]) -> list[date]:
    """Return the dates after the last of the `earlier` and before the first of the `later` ones, newest first."""
    return [day for day in grid if max(earlier) < day < min(later)] if earlier and later else []


def _before(later: list[date], grid: list[date], horizon: timedelta) -> list[date]:
    """Return the dates whose label windows end at or before the first of the `later` ones."""
    return [day for day in grid if day + horizon <= min(later)] if later else []
