"""A small client of Airflow's REST API v2: what a local run and the end-to-end tests need of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import httpx

from customer_behavior.local.errors import AirflowError

FINISHED = ("success", "failed")
Json = dict[str, Any]
Progress = Callable[[list[Json]], None]


class AirflowApi:
    """Speaks to one API server as its admin.

    Parameters
    ----------
    address
        ``http://host:port`` of the API server
    password
        of the user ``admin``
    """

    def __init__(self, address: str, password: str) -> None:
        self.address = address
        self._password = password
        # trust_env off: a proxy of the environment has no business between us and 127.0.0.1
        self._http = httpx.Client(base_url=address, timeout=60.0, trust_env=False)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    # --- the state of the stack -------------------------------------------------------------------------------

    def health(self) -> Json | None:
        """What ``/monitor/health`` says, or None while nobody answers."""
        try:
            answer = self._http.get("/api/v2/monitor/health", timeout=5.0)
        except httpx.TransportError:
            return None
        return dict(answer.json()) if answer.status_code == 200 else None

    def dags(self) -> list[Json]:
        """Every DAG that Airflow knows, paused or not."""
        return list(self._pages("/dags", "dags"))

    def import_errors(self) -> list[Json]:
        """The DAG files that could not be read, with the reason."""
        return list(self._pages("/importErrors", "import_errors"))

    def set_paused(self, dag_id: str, paused: bool) -> None:
        """Pause or unpause a DAG; runs of a paused one stay queued."""
        self.call("PATCH", f"/dags/{dag_id}", json={"is_paused": paused})

    # --- runs -------------------------------------------------------------------------------------------------

    def trigger(self, dag_id: str, *, logical_date: datetime | None = None, conf: Json | None = None) -> str:
        """Start a run by hand and return its run id."""
        body = {"logical_date": logical_date.isoformat() if logical_date else None, "conf": conf or {}}
        return str(self.call("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> Json:
        """One run."""
        return self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")

    def runs(self, dag_id: str, **filters: Any) -> list[Json]:
        """The runs of a DAG; ``filters`` as the API names them (``state``, ``run_type``, ``logical_date_gte`` ...)."""
        return list(self._pages(f"/dags/{dag_id}/dagRuns", "dag_runs", **filters))

    def clear_run(self, dag_id: str, run_id: str) -> None:
        """Run all tasks of a run again."""
        self.call("POST", f"/dags/{dag_id}/dagRuns/{run_id}/clear", json={"dry_run": False})

    def fail_run(self, dag_id: str, run_id: str) -> None:
        """End a run as failed, with its tasks."""
        self.call("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", json={"state": "failed"})

    def wait_for_runs(
        self,
        wanted: dict[tuple[str, str], str],
        *,
        timeout: float,
        progress: Progress | None = None,
        every: float = 1.0,
    ) -> list[Json]:
        """Wait until each of ``wanted`` (keys: DAG id and run id) has finished, whatever its state; return the runs.

        ``progress`` is called with all of them after each look. Raises :class:`AirflowError` after ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            runs = [self.run(dag_id, run_id) for dag_id, run_id in wanted]
            if progress:
                progress(runs)
            if all(run["state"] in FINISHED for run in runs):
                return runs
            if time.monotonic() > deadline:
                waiting = [f"{run['dag_id']} {run['dag_run_id']} ({run['state']})" for run in runs]
                raise AirflowError(f"Not finished after {timeout:.0f} s: {', '.join(waiting)}")
            time.sleep(every)

    # --- backfills --------------------------------------------------------------------------------------------

    def backfill(
        self,
        dag_id: str,
        from_date: datetime,
        to_date: datetime,
        *,
        reprocess: str = "none",
        max_active_runs: int = 1,
        conf: Json | None = None,
        run_backwards: bool = False,
    ) -> int:
        """Create a backfill of the logical dates in ``[from_date, to_date]`` and return its id.

        The end counts to the second: midnight of the last day leaves out a run later on that day.
        ``reprocess`` is ``none``, ``failed`` or ``completed``; with ``none`` dates that have a run are left alone.
        A DAG has one active backfill at a time, and the scheduler marks a finished one as such only every 30 s:
        this waits for an earlier one whose runs are all over.
        """
        body = {
            "dag_id": dag_id,
            "from_date": from_date.isoformat(),
            "to_date": to_date.isoformat(),
            "reprocess_behavior": reprocess,
            "max_active_runs": max_active_runs,
            "dag_run_conf": conf,
            "run_backwards": run_backwards,
        }
        self._wait_for_the_mark(dag_id)
        return int(self.call("POST", "/backfills", json=body)["id"])

    def backfill_runs(self, dag_id: str, backfill_id: int) -> list[Json]:
        """The runs of a backfill, oldest date first."""
        found = self.call("GET", f"/backfills/{backfill_id}")
        runs = self.runs(dag_id, logical_date_gte=found["from_date"], logical_date_lte=found["to_date"])
        return sorted((run for run in runs if run["run_type"] == "backfill"), key=lambda run: str(run["logical_date"]))

    def wait_for_backfill(
        self,
        dag_id: str,
        backfill_id: int,
        *,
        timeout: float,
        progress: Progress | None = None,
        every: float = 1.0,
    ) -> list[Json]:
        """Wait until every run of a backfill has finished, and return them.

        The runs decide, not the backfill's own mark of completion, which the scheduler sets up to half a minute later.
        """
        deadline = time.monotonic() + timeout
        while True:
            runs = self.backfill_runs(dag_id, backfill_id)
            if progress:
                progress(runs)
            if all(run["state"] in FINISHED for run in runs):
                return runs
            if time.monotonic() > deadline:
                raise AirflowError(f"The backfill of {dag_id} has not finished after {timeout:.0f} s.")
            time.sleep(every)

    def backfills(self, dag_id: str) -> list[Json]:
        """The backfills of a DAG, oldest first."""
        return list(self._pages("/backfills", "backfills", dag_id=dag_id, order_by="id"))

    def cancel_backfill(self, backfill_id: int) -> None:
        """End a backfill: its queued runs fail, a running one goes on."""
        self.call("PUT", f"/backfills/{backfill_id}/cancel")

    # --- tasks ------------------------------------------------------------------------------------------------

    def tasks(self, dag_id: str, run_id: str) -> list[Json]:
        """The task instances of a run, mapped ones included."""
        return list(self._pages(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances"))

    def task_log(self, task: Json) -> list[Json]:
        """The structured lines of a task instance's last attempt."""
        path = f"/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
        answer = self.call(
            "GET",
            f"{path}/logs/{max(1, task['try_number'])}",
            params={"map_index": task["map_index"], "full_content": "true"},
            headers={"Accept": "application/json"},
        )
        content = answer.get("content", [])
        return [line if isinstance(line, dict) else {"event": str(line)} for line in content]

    def _wait_for_the_mark(self, dag_id: str, timeout: float = 60.0) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            # `order_by` is needed: the newest one is the only one that may be active
            newest = self.call("GET", "/backfills", params={"dag_id": dag_id, "order_by": "-id", "limit": 1})[
                "backfills"
            ]
            if not newest or newest[0]["completed_at"]:
                return
            if any(run["state"] not in FINISHED for run in self.backfill_runs(dag_id, newest[0]["id"])):
                return  # a true conflict, which Airflow puts into words
            time.sleep(1.0)

    # --- the wire ---------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, **options: Any) -> Json:
        """One authenticated request to ``/api/v2``; raises :class:`AirflowError` with what Airflow answered."""
        for attempt in (1, 2):
            if "Authorization" not in self._http.headers:
                self._log_in()
            try:
                answer = self._http.request(method, f"/api/v2{path}", **options)
            except httpx.TransportError as error:
                raise AirflowError(f"Airflow's API at {self.address} does not answer: {error}") from error
            if answer.status_code == 401 and attempt == 1:  # a token lasts a day; a stack may stay up for longer
                del self._http.headers["Authorization"]
                continue
            break
        if answer.is_error:
            raise AirflowError(f"{method} {path} was refused ({answer.status_code}): {answer.text[:2000]}")
        return dict(answer.json()) if answer.content else {}

    def _log_in(self) -> None:
        try:
            answer = self._http.post("/auth/token", json={"username": "admin", "password": self._password})
        except httpx.TransportError as error:
            raise AirflowError(f"Airflow's API at {self.address} does not answer: {error}") from error
        if answer.is_error:
            raise AirflowError(f"Airflow's API refused the password of admin: {answer.text[:500]}")
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _pages(self, path: str, key: str, **filters: Any) -> Iterator[Json]:
        offset = 0
        while True:
            page = self.call("GET", path, params={"limit": 100, "offset": offset, **filters})
            yield from page[key]
            offset += len(page[key])
            if not page[key] or offset >= page["total_entries"]:
                return
