"""What every DAG of the platform has in common."""

from datetime import timedelta

from airflow.sdk import CronDataIntervalTimetable, ExceptionRetryPolicy, Param, RetryAction, RetryRule

from customer_behavior.names import Dag
from customer_behavior.settings import load_shop
from customer_behavior_airflow.mail import MailScheduledFailure

OWNER = "customer-behaviour"
SHOP = load_shop()

# What is not named here is tried again, since it may pass: a network, an object store, a lost worker.
RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="customer_behavior.errors.TemporaryError",
            action=RetryAction.RETRY,
            reason="this may be right by itself the next time",
        ),
        RetryRule(
            exception="customer_behavior.errors.PlatformError",
            action=RetryAction.FAIL,
            reason="the message says what to do; another try would fail alike",
        ),
        RetryRule(
            exception=[
                f"builtins.{name}"
                for name in (
                    "ValueError",
                    "TypeError",
                    "LookupError",
                    "AttributeError",
                    "NameError",
                    "ImportError",
                    "AssertionError",
                    "ArithmeticError",
                    "NotImplementedError",
                    "PermissionError",
                )
            ],
            action=RetryAction.FAIL,
            reason="a fault of the code or of the machine's set-up; another try would fail alike",
        ),
    ]
)

TASK_DEFAULTS = {
    "owner": OWNER,
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": RETRY_POLICY,
}


def nightly() -> CronDataIntervalTimetable:
    """Return the timetable of the dated DAGs: a day of the shop, from midnight to midnight."""
    return CronDataIntervalTimetable("0 0 * * *", timezone=SHOP.timezone)


def weekly() -> CronDataIntervalTimetable:
    """Return the timetable of upkeep: Monday at shop-local midnight, for the week before."""
    return CronDataIntervalTimetable("0 0 * * 1", timezone=SHOP.timezone)


def as_of_param() -> Param:
    """Return the form's as-of date: only for a run without a logical date."""
    return Param(
        None,
        type=["null", "string"],
        format="date",
        title="As-of date",
        description_md="Only for a run **without** a logical date: clear the one that the form has filled in, which is now. With a "
        "logical date, the as-of date is its date in the shop's time zone plus one day.",
    )


def dry_run_param(more: str) -> Param:
    """Return the form's switch of a DAG that removes something; `more` is a sentence of its own."""
    return Param(
        True,
        type="boolean",
        title="Dry run",
        description_md=f"On: say in the log what would go, remove nothing. Off: remove it; there is no way back. {more}",
    )


def common(dag: Dag, *, tags: list[str], doc_md: str | None) -> dict:
    """Return the arguments that all DAGs share, for `@dag(**common(...))`."""
    return {
        "dag_id": str(dag),
        "doc_md": doc_md,
        "catchup": False,
        "tags": ["customer-behaviour", *tags],
        "default_args": TASK_DEFAULTS,
        "on_failure_callback": [MailScheduledFailure(to=SHOP.alert_to)] if SHOP.alert_to else [],
        "render_template_as_native_obj": False,
    }
