"""LocalExecutor with the libraries of the tasks in memory: a task is a fork of a worker, and imports nothing again."""

import importlib
import logging
import time

from airflow.executors.local_executor import LocalExecutor

log = logging.getLogger(__name__)

MODULES = (
    "airflow.sdk.execution_time.task_runner",
    "evidently.legacy.calculations.stattests",
    "customer_behavior.stages.train_models",
    "customer_behavior.ingest.batches",
    "customer_behavior.scoring.bucket",
    "customer_behavior.scoring.swap_in",
    "customer_behavior.recommend.actions.next_actions",
    "customer_behavior.monitoring.incidents.alerts",
    "customer_behavior.monitoring.performance.matured",
    "customer_behavior.marketing.contract",
)
"""What tasks would import one by one, seconds each; none of it starts a thread or opens a connection when it is imported."""


class PreloadingLocalExecutor(LocalExecutor):
    """For a machine of one's own, where short tasks follow each other: some hundred MB of the scheduler's memory, shared by its forks."""

    def start(self) -> None:
        """Import the libraries, then fork the workers."""
        began = time.monotonic()
        for module in MODULES:
            importlib.import_module(module)
        log.info("libraries of the tasks imported in %.1f s", time.monotonic() - began)
        super().start()
