"""The nightly chain through Airflow's scheduler, and whatever may happen to it: the tables come out the same.

A second warehouse, the reference, gets the same dates by calling the stages one after the other, in order, without Airflow.
The tests run in the order of the file; each leaves both warehouses equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from customer_behavior.demo.chain import Backfill, Chain
from customer_behavior.local.options import StackOptions
from customer_behavior.local.postgres import EmbeddedPostgres
from customer_behavior.local.stack import LocalStack
from customer_behavior.stages import monitor_models, publish_marketing, recommend, score_customers, train_models
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.stages.migrate_warehouse import upgrade
from customer_behavior.warehouse import Warehouse
from support import small_shop
from support.stack_shop import (
    Tables,
    assert_same,
    errors,
    finished,
    hold_audit,
    hold_lock,
    kill_9,
    last_audit,
    read_tables,
    succeeded,
    trigger_for,
    trigger_on,
    writes_since,
)

pytestmark = pytest.mark.e2e

ONE_DAY = timedelta(days=1)
TRAINED = small_shop.FIRST_DAY + timedelta(days=92)


def day(n: int) -> date:
    """The n-th day after the first training."""
    return TRAINED + timedelta(days=n)


HISTORY = [small_shop.FIRST_DAY, day(6)]
JUDGED = day(1)  # scored first, so that it has matured when the chain begins
CHAIN = [day(7), day(8), day(9)]  # logical dates: the chain's as-of dates are a day later
AS_OF = [each + ONE_DAY for each in CHAIN]
SHUFFLED = [day(12), day(10), day(11)]  # logical dates too, in an order that is not theirs
LANDED = day(16)
ORDER_FREE = ("ingest_events", "score_customers")
# What makes Airflow notice sooner that somebody has died; a task's own retry waits 20 s.
IMPATIENT = {
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "8",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}


@dataclass
class Shop:
    """The stack with its warehouse, and the reference beside it."""

    stack: LocalStack
    warehouse: Warehouse
    reference: Warehouse
    said: list[str]

    def chain(self) -> Chain:
        return Chain(self.stack, self.said.append)

    def tables(self) -> Tables:
        return read_tables(self.warehouse)

    def assert_as_reference(self) -> None:
        assert_same(self.tables(), read_tables(self.reference))


class InOrder:
    """The stages, called one after the other on the reference."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse

    def ingest(self, first: date, last: date | None = None) -> None:
        ingest(self.warehouse, small_shop.SOURCE, first, last or first)

    def train(self, as_of: date) -> None:
        train_models.train_targets(self.warehouse, as_of, promote=True, run_id=None)

    def score(self, as_of: date) -> None:
        buckets = score_customers.take_snapshot(self.warehouse, as_of, run_id=None)
        which: dict[str, Any] = {"run_token": "in order", "buckets": len(buckets), "run_id": None}
        for bucket in buckets:
            score_customers.score_bucket(self.warehouse, as_of, bucket=bucket, **which)
        score_customers.publish_scores(self.warehouse, as_of, **which)

    def after_scoring(self, as_of: date) -> None:
        recommend.products(self.warehouse, as_of)
        recommend.actions(self.warehouse, as_of)
        publish_marketing.publish(self.warehouse, as_of)
        monitor_models.measure_drift(self.warehouse, as_of)
        monitor_models.judge_matured(self.warehouse, as_of)
        monitor_models.raise_incidents(self.warehouse, as_of, quiet=True)


def land(landing: Path) -> None:
    """Land a history, and from CHAIN's first day on what makes the order of days matter to a careless loader."""
    small_shop.land_history(landing, (LANDED - small_shop.FIRST_DAY).days)
    files = [landing / small_shop.SOURCE / f"{day(n)}.csv" for n in range(6, 16)]
    fresh = {file: file.read_text().splitlines()[1:] for file in files}
    for before, file in pairwise(files):
        again = fresh[before][-3:]  # a day's last lines are delivered once more with the next
        fields = fresh[before][0].split(",")
        fields[small_shop.HEADER.index("item")] = "forgotten"  # a line of the day before comes late
        with file.open("a") as more:
            more.write(
                "\n".join([*again, ",".join(fields), "no such time,purchase,c001,b1,milk,dairy,1,2.50,0"]) + "\n"
            )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("chain")
    # A day late at most, so that JUDGED is due in the chain; the gate lets every model pass that is calibrated.
    environment = small_shop.configure(
        folder, {"max_lateness_days": 1}, gate={"max_loss": 1.0, "minimum_segment_rows": 10_000}
    )
    land(folder / "landing")
    options = StackOptions(
        state_dir=folder / "state",
        follow_schedules=False,
        paused_at_creation=False,
        parallelism=4,
        extra_env=environment | IMPATIENT,
        postgres_settings={"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB"},
    )
    stack = LocalStack(options)
    try:
        with stack:
            stack.postgres.create_database("reference")
            warehouses = [Warehouse(url) for url in (stack.warehouse_url, stack.postgres.url("reference"))]
            for warehouse in warehouses:
                upgrade(warehouse.url.render_as_string(hide_password=False))
            yield Shop(stack, warehouses[0], warehouses[1], said=[])
    finally:
        EmbeddedPostgres(options.state_dir).destroy()


@pytest.fixture(autouse=True)
def the_small_shop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference reads the configuration and the files that Airflow's processes read."""
    for name, value in shop.stack.options.extra_env.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def in_order(shop: Shop) -> InOrder:
    return InOrder(shop.reference)


def backfill_all(shop: Shop) -> None:
    """The chain's dates, stage by stage, the stages that build on nothing of each other side by side."""
    chain = shop.chain()
    for dag_id in ORDER_FREE:
        chain.backfill(Backfill(dag_id, CHAIN, parallel=3))
    chain.backfill(Backfill("recommend", CHAIN), Backfill("monitor_models", CHAIN))
    chain.backfill(Backfill("publish_marketing", CHAIN, parallel=3))


def test_the_chain_through_the_scheduler_makes_what_its_stages_make_in_order(shop: Shop, in_order: InOrder) -> None:
    chain = shop.chain()
    first, last = HISTORY
    chain.trigger("load_history", conf={"source": "till", "from_date": str(first), "to_date": str(last)})
    chain.trigger("train_models", conf={"as_of_date": str(TRAINED), "promote": True})
    chain.trigger("score_customers", conf={"as_of_date": str(JUDGED)})
    backfill_all(shop)

    in_order.ingest(first, last)
    in_order.train(TRAINED)
    in_order.score(JUDGED)
    for logical in CHAIN:
        in_order.ingest(logical)
        in_order.score(logical + ONE_DAY)
        in_order.after_scoring(logical + ONE_DAY)
    shop.assert_as_reference()
    with shop.warehouse.begin() as connection:
        late = connection.execute(sa.text("SELECT count(*) FROM raw.events WHERE event_day < batch_date")).scalar_one()
    assert late == len(CHAIN)  # one comes late with each of the chain's files
    filled = {table for table, rows in shop.tables().items() if rows}
    assert {
        "raw.events",
        "raw.duplicate_events",
        "raw.rejected_events",
        "marketing.customer_scores",
        "marketing.insights",
        "monitoring.drift_features",
        "monitoring.model_performance",
    } <= filled


def test_the_same_dates_again_write_again_and_change_nothing(shop: Shop) -> None:
    before, audited = shop.tables(), last_audit(shop.warehouse)
    backfill_all(shop)
    writes = {
        (table, piece): (deleted, written) for table, piece, deleted, written in writes_since(shop.warehouse, audited)
    }
    for as_of in AS_OF:
        for table in (
            "features.customer_snapshot",
            "models.scores",
            "marketing.product_recommendations",
            "marketing.action_recommendations",
            "marketing.customer_scores",
            "marketing.target_scores",
            "marketing.status",
            "monitoring.drift_runs",
            "monitoring.drift_features",
        ):
            assert (table, str(as_of)) in writes, "not written again"
            deleted, written = writes[table, str(as_of)]
            assert deleted == written > 0, (table, as_of)
    events = [(deleted, written) for (table, piece), (deleted, written) in writes.items() if table == "raw.events"]
    assert len(events) == len(CHAIN), writes
    assert all(deleted == written > 0 for deleted, written in events)
    assert_same(shop.tables(), before)


@pytest.fixture(scope="module")
def shuffled(shop: Shop) -> dict[date, str]:
    """Ingest and score three dates one by one in another order than theirs; the runs that scored, by as-of date."""
    api = shop.stack.api
    for logical in SHUFFLED:
        succeeded(shop.stack, "ingest_events", trigger_on(api, "ingest_events", logical))
    runs = {}
    for logical in SHUFFLED[::-1]:
        runs[logical + ONE_DAY] = trigger_on(api, "score_customers", logical)
        succeeded(shop.stack, "score_customers", runs[logical + ONE_DAY])
    return runs


def test_dates_in_another_order_come_out_as_in_order(shop: Shop, in_order: InOrder, shuffled: dict[date, str]) -> None:
    for logical in sorted(SHUFFLED):  # night by night: no date knows of those after it
        in_order.ingest(logical)
        in_order.score(logical + ONE_DAY)
    shop.assert_as_reference()


def test_what_builds_on_the_day_before_refuses_a_gap_and_names_the_first(
    shop: Shop, in_order: InOrder, shuffled: dict[date, str]
) -> None:
    api = shop.stack.api
    gap, beyond = AS_OF[-1] + ONE_DAY, AS_OF[-1] + 2 * ONE_DAY
    before = shop.tables()
    runs = {dag_id: trigger_for(api, dag_id, beyond) for dag_id in ("recommend", "monitor_models")}
    for dag_id, run_id in runs.items():
        assert finished(shop.stack, dag_id, run_id)["state"] == "failed"
        reasons = "\n".join(errors(api, task) for task in api.tasks(dag_id, run_id) if task["state"] == "failed")
        assert f"run {dag_id} for as-of date {gap} first" in reasons
    after = shop.tables()
    own = "marketing.product_recommendations"  # a date's products build on no other date's: they may be there
    assert_same({**after, own: before[own]}, before)
    with shop.warehouse.begin() as connection:
        connection.execute(sa.text(f"DELETE FROM {own} WHERE as_of_date = :beyond"), {"beyond": beyond})

    last = day(15)
    succeeded(shop.stack, "ingest_events", trigger_for(api, "ingest_events", last + ONE_DAY))
    in_order.ingest(last)
    run_id = trigger_for(api, "train_models", last + ONE_DAY)
    assert finished(shop.stack, "train_models", run_id)["state"] == "failed"
    (reason, *_) = [errors(api, task) for task in api.tasks("train_models", run_id) if task["state"] == "failed"]
    assert f"source till has no batch for {max(SHUFFLED) + ONE_DAY}" in reason
    shop.assert_as_reference()


def models_of(shop: Shop, as_of: date) -> dict[str, str]:
    """The model that scored a date, by target."""
    with shop.warehouse.begin() as connection:
        rows = connection.execute(
            sa.text("SELECT DISTINCT target, model_id FROM models.scores WHERE as_of_date = :as_of"), {"as_of": as_of}
        ).all()
    assert len(rows) == len({row.target for row in rows}) == 2
    return {row.target: row.model_id for row in rows}


def test_a_model_promoted_at_a_date_serves_the_dates_after_it_only(
    shop: Shop, in_order: InOrder, shuffled: dict[date, str]
) -> None:
    api, (promoted, later) = shop.stack.api, sorted(shuffled)[:2]
    old, before = models_of(shop, promoted), shop.tables()["models.scores"]
    run_id = trigger_for(api, "train_models", promoted, promote=True)
    succeeded(shop.stack, "train_models", run_id)
    audited = last_audit(shop.warehouse)
    for as_of in (promoted, later):
        api.clear_run("score_customers", shuffled[as_of])
    succeeded(shop.stack, "score_customers", shuffled[promoted])
    succeeded(shop.stack, "score_customers", shuffled[later])
    written = {piece for table, piece, *_ in writes_since(shop.warehouse, audited) if table == "models.scores"}
    assert written == {str(promoted), str(later)}  # both were scored again

    assert models_of(shop, promoted) == old
    assert set(models_of(shop, later).values()) - set(old.values())  # the gate let at least one target's model in
    rows = shop.tables()["models.scores"]
    assert [row for row in rows if str(later) not in row] == [row for row in before if str(later) not in row]
    in_order.train(promoted)
    in_order.score(later)
    shop.assert_as_reference()


def test_two_runs_of_a_date_at_the_same_moment_leave_what_one_leaves(shop: Shop) -> None:
    api, logical = shop.stack.api, CHAIN[0] - ONE_DAY
    before = shop.tables()
    runs = []
    with hold_lock(shop.warehouse, "ingest till") as held:
        runs += [("ingest_events", trigger_on(api, "ingest_events", logical))]
        runs += [("ingest_events", trigger_for(api, "ingest_events", logical + ONE_DAY))]
        held.wait_for_tasks(2)
    with hold_lock(shop.warehouse, f"publish scores {JUDGED}") as held:
        runs += [("score_customers", trigger_on(api, "score_customers", JUDGED - ONE_DAY))]
        runs += [("score_customers", trigger_for(api, "score_customers", JUDGED))]
        held.wait_for_tasks(2)
    for dag_id, run_id in runs:
        succeeded(shop.stack, dag_id, run_id)
    assert_same(shop.tables(), before)


def test_kill_9_of_a_task_at_work(shop: Shop, in_order: InOrder) -> None:
    logical, before = day(13), shop.tables()
    with hold_audit(shop.warehouse) as held:  # the day is loaded, and not committed
        run_id = trigger_on(shop.stack.api, "ingest_events", logical)
        (task,) = held.wait_for_tasks()
        kill_9(task)
    assert_same(shop.tables(), before)
    tasks = succeeded(shop.stack, "ingest_events", run_id)
    assert {task["task_id"]: task["try_number"] for task in tasks} == {"wait_for_files": 1, "load_batch": 2}
    in_order.ingest(logical)
    shop.assert_as_reference()


def test_kill_9_of_the_scheduler(shop: Shop, in_order: InOrder) -> None:
    as_of, before = day(14), shop.tables()
    with hold_audit(shop.warehouse) as held:  # the snapshot is written, and not committed
        run_id = trigger_for(shop.stack.api, "score_customers", as_of)
        (first,) = held.wait_for_tasks()
        shop.stack.kill_scheduler()
        assert shop.stack.heal() == ["scheduler"]
        # The new scheduler knows nothing of the attempt that still waits, and starts another beside it.
        held.wait_for_tasks(other_than=[first], seconds=180)
        assert_same(shop.tables(), before)
    tasks = succeeded(shop.stack, "score_customers", run_id)
    assert max(task["try_number"] for task in tasks) > 1
    in_order.score(as_of)
    shop.assert_as_reference()


def test_kill_9_of_postgresql(shop: Shop, in_order: InOrder, shuffled: dict[date, str]) -> None:
    as_of, before = min(shuffled), shop.tables()
    with hold_audit(shop.warehouse) as held:  # the products are written, and not committed
        run_id = trigger_for(shop.stack.api, "recommend", as_of)
        held.wait_for_tasks()
        shop.stack.postgres.kill()
    assert shop.stack.heal()[0] == "postgres"
    assert_same(shop.tables(), before)
    tasks = succeeded(shop.stack, "recommend", run_id, seconds=180)
    assert max(task["try_number"] for task in tasks) > 1
    recommend.products(in_order.warehouse, as_of)
    recommend.actions(in_order.warehouse, as_of)
    shop.assert_as_reference()
