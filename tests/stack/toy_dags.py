"""DAG files for the tests of the local stack, written to a folder of their own."""

from __future__ import annotations

from pathlib import Path

_DAILY = """
from datetime import datetime, timedelta
from airflow.sdk import dag, task
from airflow.timetables.interval import CronDataIntervalTimetable

NIGHTLY = CronDataIntervalTimetable("0 0 * * *", timezone="America/New_York")
"""

_STEPS = (
    _DAILY
    + """
@dag(schedule=NIGHTLY, start_date=datetime(2017, 1, 1), catchup=False)
def steps():
    @task
    def first(logical_date):
        print(logical_date)

    @task
    def refuse(params):
        if params["refuse"]:
            raise ValueError("the price of line 3 is no number")

    first() >> refuse()

steps_dag = steps()
steps_dag.params["refuse"] = False
"""
)

_STUBBORN = (
    _DAILY
    + """
import subprocess
import sys

@dag(schedule=None)
def stubborn():
    @task
    def hang(params):
        # A grandchild in a session of its own, as BashOperator starts it; deaf to SIGTERM like the task itself.
        deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        child = subprocess.Popen([sys.executable, "-c", deaf, "stubborn-grandchild", __file__], start_new_session=True)
        child.wait()

    hang()

stubborn()
"""
)


def write(folder: Path) -> Path:
    """Write the files and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "steps.py").write_text(_STEPS)
    (folder / "stubborn.py").write_text(_STUBBORN)
    return folder
