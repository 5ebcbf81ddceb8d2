"""What every run keeps to in a running Airflow: it knows and says its as-of date, and tries again only what may pass."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from customer_behavior.demo.dates import logical_date
from customer_behavior.local.api import FINISHED, Json
from customer_behavior.local.options import StackOptions
from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.local.stack import LocalStack
from support.stack_shop import errors, finished, patiently, trigger_for, trigger_on

pytestmark = pytest.mark.e2e

NEW_YORK = ZoneInfo("America/New_York")
ONE_DAY = timedelta(days=1)
DAY = date(2024, 5, 14)
SPRING = [date(2024, 3, 9), date(2024, 3, 10), date(2024, 3, 11)]  # the clock goes forward on the 10th
AUTUMN = [date(2024, 11, 2), date(2024, 11, 3), date(2024, 11, 4)]  # and back on the 3rd
FAULTS = ("code", "table", "rights", "lost", "object store")
NO_DATE = "this run has no logical date and its form no as_of_date"
# One DAG each for what runs side by side: a DAG has one backfill at a time. No run starts for it by the clock but "clock".
PROBES = '''
"""Probes of the rule of time, and of faults."""

from datetime import timedelta

import sqlalchemy as sa
from airflow.sdk import Asset, dag, get_current_context, task

from customer_behavior.warehouse import Warehouse
from customer_behavior_airflow.defaults import as_of_param, common, nightly
from customer_behavior_airflow.run_context import current_run, warehouse

LANDED = Asset("probe_landed")


def probe(dag_id, schedule):
    @dag(**common(dag_id, tags=["probe"], doc_md=__doc__), schedule=schedule, params={"as_of_date": as_of_param()})
    def build():
        @task
        def see():
            run = current_run()
            return f"{run.as_of} {run.scheduled}"

        see()

    return build()


probes = [probe(name, nightly()) for name in ("clock", "by_hand", "refilled", "spring", "autumn")]
probe("chained", [LANDED])


@dag(**common("producer", tags=["probe"], doc_md=__doc__), schedule=None)
def producer():
    @task(outlets=[LANDED])
    def land():
        pass

    land()


producer()


@dag(**common("faults", tags=["probe"], doc_md=__doc__), schedule=None, params={"fault": "", "url": ""})
def faults():
    @task(retry_delay=timedelta(seconds=1))
    def meet(params):
        first = get_current_context()["ti"].try_number == 1
        if params["fault"] == "code":
            {}["no such key"]
        if params["fault"] == "object store" and first:
            raise OSError("the store answered 503")
        place = Warehouse(params["url"]) if params["url"] else warehouse()
        with place.begin("ingest") as connection:
            if params["fault"] == "table":
                connection.execute(sa.text("SELECT * FROM raw.no_such_table"))
            if params["fault"] == "rights":
                connection.execute(sa.text("DELETE FROM models.promotions"))
            if params["fault"] == "lost" and first:
                connection.execute(sa.text("RESET ROLE"))
                connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    meet()


faults()
'''


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    folder = tmp_path_factory.mktemp("run_types")
    dags = folder / "dags"
    dags.mkdir()
    (dags / "probes.py").write_text(PROBES)
    options = StackOptions(
        preload=False,
        state_dir=folder / "state",
        dags_folder=dags,
        follow_schedules=True,
        paused_at_creation=False,
        tracking_uri="",
        postgres_settings={"fsync": "off", "shared_buffers": "64MB"},
    )
    try:
        with LocalStack(options) as stack:
            yield stack
    finally:
        EmbeddedPostgres(options.state_dir).destroy()


@pytest.fixture(scope="module")
def begun(stack: LocalStack) -> dict[str, object]:
    """Start everything that needs no other to be over, and return the numbers of the runs and backfills."""
    api = stack.api
    return {
        "first": trigger_on(api, "refilled", DAY),
        "spring": api.backfill("spring", logical_date(SPRING[0]), logical_date(SPRING[-1]), max_active_runs=3),
        "autumn": api.backfill("autumn", logical_date(AUTUMN[0]), logical_date(AUTUMN[-1]), max_active_runs=3),
        "dated": trigger_on(api, "by_hand", DAY),
        "form": trigger_for(api, "by_hand", DAY),
        "neither": api.trigger("by_hand"),
        "chained form": trigger_for(api, "chained", DAY),
        "producer": api.trigger("producer"),
        "utc": api.trigger("by_hand", logical_date=datetime(2024, 5, 21, tzinfo=UTC)),
        **{f"fault {name}": api.trigger("faults", conf={"fault": name, "url": ""}) for name in FAULTS},
        "fault empty": api.trigger("faults", conf={"fault": "", "url": _empty_database(stack)}),
    }


def _empty_database(stack: LocalStack) -> str:
    stack.postgres.create_database("empty")
    return stack.postgres.url("empty")


def seen(stack: LocalStack, dag_id: str, run_id: str) -> tuple[date, bool]:
    """Wait for a probe's run; return the as-of date it saw and whether it took itself for scheduled."""
    run = finished(stack, dag_id, run_id)
    assert run["state"] == "success", errors(stack.api, stack.api.tasks(dag_id, run_id)[0])
    path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/see/xcomEntries/return_value"
    as_of, scheduled = str(stack.api.call("GET", path)["value"]).strip('"').split()
    return date.fromisoformat(as_of), scheduled == "True"


def interval(run: Json) -> tuple[datetime, datetime]:
    begin, end = (datetime.fromisoformat(run[f"data_interval_{which}"]) for which in ("start", "end"))
    return begin, end


def test_scheduled_the_latest_day_that_is_over(stack: LocalStack, begun: dict) -> None:
    run = patiently(lambda: next(iter(stack.api.runs("clock", run_type="scheduled")), None), 60, "the scheduled run")
    assert run["run_type"] == "scheduled"
    as_of, scheduled = seen(stack, "clock", run["dag_run_id"])
    assert scheduled
    logical = datetime.fromisoformat(run["logical_date"]).astimezone(NEW_YORK)
    assert (logical.hour, logical.minute) == (0, 0)
    assert as_of == logical.date() + ONE_DAY
    # the date at which it may run: the day before it is over, and nothing of its own day is known
    assert as_of == datetime.fromisoformat(run["run_after"]).astimezone(NEW_YORK).date()
    assert as_of in {(datetime.now(NEW_YORK) - timedelta(minutes=minutes)).date() for minutes in (0, 10)}


def test_by_hand_with_a_logical_date(stack: LocalStack, begun: dict) -> None:
    assert seen(stack, "by_hand", begun["dated"]) == (DAY + ONE_DAY, False)


def test_by_hand_with_a_date_in_the_form_only(stack: LocalStack, begun: dict) -> None:
    assert stack.api.run("by_hand", begun["form"])["logical_date"] is None
    assert seen(stack, "by_hand", begun["form"]) == (DAY, False)


def assert_fails_at_once(stack: LocalStack, dag_id: str, run_id: str, sentence: str) -> None:
    assert finished(stack, dag_id, run_id)["state"] == "failed"
    (task,) = stack.api.tasks(dag_id, run_id)
    assert (task["state"], task["try_number"]) == ("failed", 1)  # a retry would come out the same
    assert sentence in errors(stack.api, task)


def test_by_hand_with_neither_fails_at_once_and_says_so(stack: LocalStack, begun: dict) -> None:
    assert_fails_at_once(stack, "by_hand", begun["neither"], NO_DATE)


def test_by_hand_with_two_dates_that_disagree_fails_at_once(stack: LocalStack, begun: dict) -> None:
    run_id = trigger_on(stack.api, "by_hand", DAY + ONE_DAY, as_of_date=str(DAY))
    assert_fails_at_once(stack, "by_hand", run_id, f"means as-of date {DAY + 2 * ONE_DAY}, but its form says {DAY}")


def test_triggered_by_an_asset_it_has_no_date_and_says_so(stack: LocalStack, begun: dict) -> None:
    run = patiently(
        lambda: next(iter(stack.api.runs("chained", run_type="asset_triggered")), None), 60, "the asset's run"
    )
    assert run["logical_date"] is None
    assert_fails_at_once(stack, "chained", run["dag_run_id"], NO_DATE)


def test_a_chained_dag_takes_the_date_of_its_form(stack: LocalStack, begun: dict) -> None:
    assert seen(stack, "chained", begun["chained form"]) == (DAY, False)


@pytest.mark.parametrize(("dag_id", "days"), [("spring", SPRING), ("autumn", AUTUMN)])
def test_a_backfill_over_a_change_of_the_clock(stack: LocalStack, begun: dict, dag_id: str, days: list[date]) -> None:
    runs = stack.api.wait_for_backfill(dag_id, begun[dag_id], timeout=120)
    assert [seen(stack, dag_id, run["dag_run_id"]) for run in runs] == [(day + ONE_DAY, False) for day in days]
    lengths = [(end - start) / timedelta(hours=1) for start, end in map(interval, runs)]
    assert lengths == [24, 23 if dag_id == "spring" else 25, 24]
    offsets = {datetime.fromisoformat(run["logical_date"]).astimezone(NEW_YORK).utcoffset() for run in runs}
    assert len(offsets) == 2  # the change is in between


def test_reprocessed_in_a_backfill_it_keeps_its_date_whatever_its_interval(stack: LocalStack, begun: dict) -> None:
    api = stack.api
    before = {}
    assert seen(stack, "refilled", begun["first"]) == (DAY + ONE_DAY, False)
    by_hand = api.run("refilled", begun["first"])
    before[DAY] = interval(by_hand)
    reach = logical_date(DAY), logical_date(DAY + ONE_DAY)
    for tries in ((2, 1), (3, 2)):
        api.backfill("refilled", *reach, reprocess="completed", max_active_runs=2)

        def look(tries: tuple[int, int] = tries) -> list[Json] | None:
            """The two runs, once each has been through its task so often."""
            runs = sorted(api.runs("refilled", logical_date_gte=reach[0].isoformat(), logical_date_lte=reach[1].isoformat()),
                          key=lambda run: run["logical_date"])  # fmt: skip
            if len(runs) < 2 or any(run["state"] not in FINISHED for run in runs):
                return None
            done = tuple(api.tasks("refilled", run["dag_run_id"])[0]["try_number"] for run in runs)
            return runs if done == tries else None

        runs = patiently(look, 90, f"the attempts {tries}")
        assert runs[0]["dag_run_id"] == begun["first"]  # the same slot, written to again
        assert [seen(stack, "refilled", run["dag_run_id"])[0] for run in runs] == [DAY + ONE_DAY, DAY + 2 * ONE_DAY]
        # What the rule is for: the first run's interval ends where its day begins, the second's begins there.
        assert interval(runs[0]) == before[DAY]
        assert before[DAY][1] == logical_date(DAY)
        assert interval(runs[1]) == (logical_date(DAY + ONE_DAY), logical_date(DAY + 2 * ONE_DAY))


# --- a run says its dates ---------------------------------------------------------------------------------------------


def said(stack: LocalStack, dag_id: str, run_id: str) -> tuple[str, list[str]]:
    """Return a run's note, and what its task logged of the dates."""
    run = finished(stack, dag_id, run_id)
    (task,) = stack.api.tasks(dag_id, run_id)
    words = ("as-of date", "logical date")
    logged = [str(line.get("event")) for line in stack.api.task_log(task)]
    return run["note"], [line for line in logged if any(word in line.lower() for word in words)]


def test_a_run_notes_and_logs_its_dates(stack: LocalStack, begun: dict) -> None:
    expected = "As-of date 2024-05-15: what was known when 2024-05-14 ended."
    clock = "Logical date 2024-05-14 04:00 UTC, which is 2024-05-14 00:00 in America/New_York."
    assert said(stack, "by_hand", begun["dated"]) == (f"{expected} {clock}", [f"{expected} {clock}"])
    note, logged = said(stack, "by_hand", begun["form"])
    assert note.startswith("As-of date 2024-05-14: what was known when 2024-05-13 ended. The date is the form's")
    assert logged == [note]


def test_a_midnight_of_utc_is_said_to_be_the_shop_s_day_before(stack: LocalStack, begun: dict) -> None:
    note, logged = said(stack, "by_hand", begun["utc"])
    dates = "As-of date 2024-05-21: what was known when 2024-05-20 ended. Logical date 2024-05-21 00:00 UTC, which is "
    warning = "The logical date is midnight of 2024-05-21 in UTC, and 2024-05-20 in America/New_York"
    assert note.startswith(dates + "2024-05-20 20:00 in America/New_York. **" + warning)
    assert logged[0].startswith(dates)
    assert logged[1].startswith(warning)
    assert "run 2024-05-21T00:00:00-04:00" in logged[1]


def test_a_run_without_a_date_notes_why_it_fails_and_a_person_s_note_stays(stack: LocalStack, begun: dict) -> None:
    assert finished(stack, "by_hand", begun["neither"])["note"].startswith(NO_DATE)
    by_hand = {"logical_date": logical_date(DAY + 30 * ONE_DAY).isoformat(), "note": "asked for by Ann"}
    run_id = stack.api.call("POST", "/dags/by_hand/dagRuns", json=by_hand)["dag_run_id"]
    note = finished(stack, "by_hand", run_id)["note"]
    assert note.startswith("asked for by Ann\n\nAs-of date 2024-06-14")
    stack.api.clear_run("by_hand", run_id)
    patiently(lambda: stack.api.tasks("by_hand", run_id)[0]["try_number"] == 2, 60, "the second attempt")
    assert finished(stack, "by_hand", run_id)["note"] == note


# --- what is tried again ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("empty", "WarehouseNotReadyError: database empty is not migrated, it has no table of the platform: `make up`"),
        ("table", "its schema lacks what this code expects"),
        ("rights", "the login, or the role it acts as, may not do that"),
        ("code", "no such key"),
    ],
)
def test_what_no_retry_can_mend_is_tried_once_and_said(
    stack: LocalStack, begun: dict, fault: str, sentence: str
) -> None:
    assert_fails_at_once(stack, "faults", begun[f"fault {fault}"], sentence)


@pytest.mark.parametrize("fault", ["lost", "object store"])
def test_what_may_pass_is_tried_again(stack: LocalStack, begun: dict, fault: str) -> None:
    run_id = begun[f"fault {fault}"]
    assert finished(stack, "faults", run_id)["state"] == "success"
    assert stack.api.tasks("faults", run_id)[0]["try_number"] == 2
