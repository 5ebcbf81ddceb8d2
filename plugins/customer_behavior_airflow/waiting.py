"""Waiting for what a date needs."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator

from customer_behavior.errors import NotReadyError
from customer_behavior.warehouse import Warehouse
from customer_behavior_airflow.run_context import run_of, warehouse


class WaitUntilReady(BaseOperator):
    """Goes on when a date is ready.

    A scheduled run that is not ready gives its slot back and looks again every `look_every`, for `give_up_after` at most. Any
    other run fails at once with the sentence that names what is missing: a person is there to read it.

    Parameters
    ----------
    check : callable (Warehouse, as_of date) -> None
        Raises NotReadyError, naming what is missing.
    """

    def __init__(
        self,
        *,
        check: Callable[[Warehouse, date], None],
        look_every: timedelta = timedelta(minutes=5),
        give_up_after: timedelta = timedelta(hours=18),
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.check = check
        self.look_every = look_every
        self.give_up_after = give_up_after

    def execute(self, context) -> None:
        """Look once; go on, wait or fail."""
        self._look(context, looked=0)

    def look_again(self, context, event=None, looked: int = 0) -> None:
        """Resume after a wait; `looked` counts the waits."""
        self._look(context, looked)

    def _look(self, context, looked: int) -> None:
        run = run_of(context)
        try:
            self.check(warehouse(), run.as_of)
        except NotReadyError as missing:
            if not run.scheduled or looked * self.look_every >= self.give_up_after:
                raise
            self.log.info("not ready, looking again in %s: %s", self.look_every, missing)
            self.defer(
                trigger=TimeDeltaTrigger(self.look_every), method_name="look_again", kwargs={"looked": looked + 1}
            )
        self.log.info("as-of date %s is ready", run.as_of)
