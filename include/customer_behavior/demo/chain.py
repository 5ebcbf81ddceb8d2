"""Runs of DAGs as a person at the terminal sees them: a line for each change, and the reason when one fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from customer_behavior.demo.dates import logical_date
from customer_behavior.local.api import FINISHED, Json
from customer_behavior.local.errors import AirflowError
from customer_behavior.local.stack import LocalStack, Say
from customer_behavior.settings import load_shop

_LOOK_EVERY = 1.0
_WORDS = {"queued": "waits", "running": "runs", "success": "done", "failed": "FAILED"}


@dataclass(frozen=True)
class Backfill:
    """Shop-local dates of a DAG to run. ``parallel`` only where the order of dates does not matter."""

    dag_id: str
    dates: Sequence[date]
    parallel: int = 1


class Chain:
    """Runs DAGs on a started stack, one step after the other.

    Parameters
    ----------
    say
        takes each line for the user
    """

    def __init__(self, stack: LocalStack, say: Say) -> None:
        self._stack = stack
        self._say = say
        self._started = time.monotonic()
        self._seen: dict[tuple[str, str], str] = {}
        self._looked_for_retries = 0.0

    def clear_leftovers(self) -> None:
        """Fail the runs that an earlier, interrupted stack left unfinished, so that they neither resume nor block ours."""
        api = self._stack.api
        for dag in api.dags():
            for backfill in api.backfills(dag["dag_id"]):
                if not backfill["completed_at"]:
                    api.cancel_backfill(backfill["id"])
            for run in api.runs(dag["dag_id"], state=["queued", "running"]):
                self._say(f"  ending {dag['dag_id']} {run['dag_run_id']}, left unfinished by an earlier run")
                api.fail_run(dag["dag_id"], run["dag_run_id"])

    def trigger(
        self, dag_id: str, *, day: date | None = None, conf: Json | None = None, timeout: float = 900.0
    ) -> None:
        """One run by hand, for the shop-local ``day`` if it is a dated DAG; again if it ran for that day before."""
        api = self._stack.api
        when = logical_date(day) if day else None
        known = api.runs(dag_id, logical_date_gte=when.isoformat(), logical_date_lte=when.isoformat()) if when else []
        if known:
            run_id = str(known[0]["dag_run_id"])
            api.clear_run(dag_id, run_id)
        else:
            run_id = api.trigger(dag_id, logical_date=when, conf=conf)
        self._wait(lambda: [api.run(dag_id, run_id)], timeout, {dag_id: 1})

    def backfill(self, *backfills: Backfill, timeout: float = 900.0) -> None:
        """Backfill through Airflow, side by side if several; dates that ran before run again."""
        api = self._stack.api
        made = []
        for each in backfills:
            first, last = logical_date(min(each.dates)), logical_date(max(each.dates))
            made.append(
                (each, api.backfill(each.dag_id, first, last, reprocess="completed", max_active_runs=each.parallel))
            )

        def look() -> list[Json]:
            return [run for each, number in made for run in api.backfill_runs(each.dag_id, number)]

        self._wait(look, timeout, {each.dag_id: (max(each.dates) - min(each.dates)).days + 1 for each in backfills})

    def _wait(self, look: Callable[[], list[Json]], timeout: float, expected: dict[str, int]) -> None:
        deadline = time.monotonic() + timeout
        while True:
            runs = look()
            self._show(runs, expected)
            failed = [run for run in runs if run["state"] == "failed"]
            if failed:
                raise AirflowError(self._why(failed[0]))
            if len(runs) >= sum(expected.values()) and all(run["state"] in FINISHED for run in runs):
                return
            if time.monotonic() > deadline:
                raise AirflowError(
                    f"{', '.join(expected)} not finished after {timeout:.0f} s. Logs: {self._stack.log_dir}"
                )
            dead = self._stack.heal()
            if dead:
                self._say(f"  {', '.join(dead)} had died and was started again; logs in {self._stack.log_dir}")
            time.sleep(_LOOK_EVERY)

    def _show(self, runs: list[Json], expected: dict[str, int]) -> None:
        """A line for each run whose state changed since the last look."""
        for run in runs:
            key, state = (run["dag_id"], run["dag_run_id"]), run["state"]
            if self._seen.get(key) == state or state == "queued":
                continue
            self._seen[key] = state
            done = sum(each["state"] == "success" for each in runs if each["dag_id"] == run["dag_id"])
            count = f"{done} of {expected[run['dag_id']]} done" if state == "success" else ""
            self._say(
                f"  {self.clock()}  {run['dag_id']:<18}{_day(run):<12}{_WORDS.get(state, state):<7}{count}".rstrip()
            )
        if time.monotonic() - self._looked_for_retries > 10.0:
            self._looked_for_retries = time.monotonic()
            for run in (run for run in runs if run["state"] == "running"):
                self._show_retries(run)

    def _show_retries(self, run: Json) -> None:
        for task in self._stack.api.tasks(run["dag_id"], run["dag_run_id"]):
            key = (run["dag_run_id"], f"{task['task_id']} {task['map_index']} {task['try_number']}")
            if task["state"] == "up_for_retry" and key not in self._seen:
                self._seen[key] = "up_for_retry"
                reason = "; ".join(self._errors(task)[-1:])
                self._say(
                    f"  {self.clock()}  {run['dag_id']:<18}{_day(run):<12}{task['task_id']} will be retried: {reason}"
                )

    def clock(self) -> str:
        """Minutes and seconds since the chain began."""
        seconds = int(time.monotonic() - self._started)
        return f"{seconds // 60:2d}:{seconds % 60:02d}"

    def _why(self, run: Json) -> str:
        """The failed tasks of a run, each with the error lines of its log and where the log is."""
        lines = [f"{run['dag_id']} failed for {_day(run) or run['dag_run_id']}:"]
        logs = self._stack.options.state_dir / "airflow" / "task_logs"
        for task in self._stack.api.tasks(run["dag_id"], run["dag_run_id"]):
            if task["state"] == "failed":
                lines.append(f"  task {task['task_id']}, attempt {task['try_number']}:")
                lines += [f"    {line}" for line in self._errors(task)[-8:]]
                lines.append(
                    f"    log: {logs}/dag_id={run['dag_id']}/run_id={run['dag_run_id']}/task_id={task['task_id']}/"
                )
        return "\n".join(lines)

    def _errors(self, task: Json) -> list[str]:
        """The error lines of a task's last attempt: the exception it ended with, else what was logged as an error."""
        found = []
        for line in self._stack.api.task_log(task):
            for error in (line.get("error_detail") or [])[:1]:  # what it was raised from is in the log
                found.append(f"{error.get('exc_type')}: {error.get('exc_value')}")
            if line.get("level") in ("error", "critical") and not line.get("error_detail"):
                found.append(str(line.get("event")))
        return found


def _day(run: Json) -> str:
    """The shop-local date of a run's logical date."""
    if not run.get("logical_date"):
        return ""
    from datetime import datetime

    stamp = datetime.fromisoformat(run["logical_date"])
    return stamp.astimezone(ZoneInfo(load_shop().timezone)).date().isoformat()
