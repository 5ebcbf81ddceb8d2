"""The link from a training task to the report of the model that it made."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urljoin

from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.sdk import BaseOperatorLink, conf
from airflow.sdk.bases.decorator import TaskDecorator, task_decorator_factory

PREFIX = "/customer-behavior"


class ModelReportLink(BaseOperatorLink):
    """Made by the task when it ends, from the `model_id` of the summary it returns; Airflow keeps it as an XCom."""

    name = "Model report"

    def get_link(self, operator, *, ti_key) -> str:
        """Return the report's address. A task that returned no model has none, and Airflow shows no link."""
        summary = ti_key.xcom_pull(task_ids=ti_key.task_id, map_indexes=ti_key.map_index)
        name = summary.get("model_id") if isinstance(summary, dict) else None
        return report_url(name) if name else ""


class TrainingTask(_PythonDecoratedOperator):
    """A Python task that links to the report of its model."""

    operator_extra_links = (ModelReportLink(),)


def training_task(python_callable: Callable | None = None, **options: Any) -> TaskDecorator:
    """Make a task of a function that returns a summary with `model_id`: `@task` with a link to the model's report."""
    return task_decorator_factory(python_callable=python_callable, decorated_operator_class=TrainingTask, **options)


def report_url(model_id: str) -> str:
    """Return the address of a model's report in the Airflow UI, on `[api] base_url`."""
    base = conf.get("api", "base_url", fallback="/")
    return urljoin(f"{base.rstrip('/')}/", f"{PREFIX.strip('/')}/reports/{quote(model_id, safe='')}")
