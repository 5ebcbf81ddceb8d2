"""Which past dates a model is fitted, calibrated and reported on."""

from dataclasses import dataclass
from datetime import date, timedelta

from customer_behavior.settings import Training

HISTORY_DAYS = 28
"""Days a shop must have been watched before a date is worth a snapshot: younger ones have no full 28-day window."""


@dataclass(frozen=True)
class Cutoffs:
    """As-of dates of the snapshots, each part ascending. The label window of a date D is [D, D + horizon)."""

    fit: tuple[date, ...] = ()
    calibration: tuple[date, ...] = ()
    report: tuple[date, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether there is a date for each part, so that a model can be fitted, calibrated and reported."""
        return bool(self.fit and self.calibration and self.report)

    def all(self) -> tuple[date, ...]:
        """Return every date, ascending."""
        return tuple(sorted({*self.fit, *self.calibration, *self.report}))


def plan_cutoffs(first_event_day: date, as_of: date, horizon_days: int, settings: Training) -> Cutoffs:
    """Return the dates to fit, calibrate and report on, with no overlap of label windows across the parts.

    The dates lie on a grid of `step_days` that goes back from the newest date whose label window has ended at `as_of`,
    and not before `first_event_day` + 28 days. The newest `report_snapshots` are the report; those whose label windows
    end at or before the first report date calibrate, at most `calibration_snapshots`; those that end at or before the
    first calibration date fit, at most `fit_snapshots`.

    A younger shop, in this order: fewer dates to fit; then one date to report and one to calibrate instead of several;
    then no model (`complete` is false), and what is left serves the base rate: the newest date to report with the dates
    before it that do not overlap, or the newest date alone, or none.
    """
    horizon = timedelta(days=horizon_days)
    grid = _grid(first_event_day, as_of - horizon, settings.step_days)
    asked = _split(grid, horizon, settings.report_snapshots, settings.calibration_snapshots, settings.fit_snapshots)
    if asked.complete:
        return asked
    least = _split(grid, horizon, 1, 1, settings.fit_snapshots)
    if least.calibration:
        return least
    newest = as_of - horizon
    return Cutoffs(calibration=(newest,)) if newest > first_event_day else Cutoffs()


def _grid(first_event_day: date, newest: date, step_days: int) -> list[date]:
    """Return the possible dates, newest first."""
    earliest = first_event_day + timedelta(days=HISTORY_DAYS)
    count = (newest - earliest).days // step_days + 1
    return [newest - timedelta(days=step_days * n) for n in range(max(count, 0))]


def _split(grid: list[date], horizon: timedelta, reports: int, calibrations: int, fits: int) -> Cutoffs:
    report = grid[:reports]
    calibration = _before(report, grid, horizon)[:calibrations]
    fit = _before(calibration, grid, horizon)[:fits]
    return Cutoffs(fit=tuple(fit[::-1]), calibration=tuple(calibration[::-1]), report=tuple(report[::-1]))


def _before(later: list[date], grid: list[date], horizon: timedelta) -> list[date]:
    """Return the dates whose label windows end at or before the first of the `later` ones."""
    return [day for day in grid if day + horizon <= min(later)] if later else []
