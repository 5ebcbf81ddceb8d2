"""Asking a person which model is to serve."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator

NOTHING_LISTED = "nothing is listed yet"


class ChooseModel(HITLOperator):
    """Waits for a person to choose one of the models that an earlier task of the run has listed.

    Airflow's own operator takes its options when the DAG file is read; which models there are is known when the run asks. Nobody
    answering within a day leaves things as they are.

    Parameters
    ----------
    listed : dict, or the output of a task
        options (list of str; the last changes nothing) and now (which model serves as it stands).
    """

    template_fields: Sequence[str] = (*HITLOperator.template_fields, "listed")

    def __init__(self, *, listed: Any, **options: Any) -> None:
        super().__init__(
            subject="Which model of {{ params.target }} is to serve?",
            options=[NOTHING_LISTED],
            response_timeout=timedelta(days=1),
            **options,
        )
        self.listed = listed

    def execute(self, context) -> Any:
        """Show the listed models and wait for a person."""
        self._offer()
        return super().execute(context)

    def execute_complete(self, context, event) -> Any:
        """Return the answer, once there is one."""
        self._offer()
        return super().execute_complete(context, event)

    def _offer(self) -> None:
        self.options = list(self.listed["options"])
        self.defaults = self.options[-1:]
        self.body = f"As it stands {self.listed['now']}."
