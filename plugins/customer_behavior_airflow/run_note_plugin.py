"""The plugin that gives each run a note with its dates."""

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from customer_behavior_airflow import run_note


class RunNotes(AirflowPlugin):
    """Each run of a dated DAG says its as-of date."""

    name = "customer_behavior_run_notes"
    listeners: ClassVar[list] = [run_note]
