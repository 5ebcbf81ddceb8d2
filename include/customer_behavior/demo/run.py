"""``make run``: the whole chain on real purchases, in a real Airflow, ending in a report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from customer_behavior.demo import dates as demo
from customer_behavior.demo.acceptance import problems, report
from customer_behavior.demo.chain import Backfill, Chain
from customer_behavior.local import daemon
from customer_behavior.local.errors import LocalStackError
from customer_behavior.local.options import StackOptions
from customer_behavior.local.postgres import WAREHOUSE, EmbeddedPostgres
from customer_behavior.local.stack import LocalStack, Say
from customer_behavior.names import Dag
from customer_behavior.stages.migrate_warehouse import upgrade
from customer_behavior.warehouse import Warehouse

DAGS = (
    Dag.LOAD_HISTORY,
    Dag.TRAIN_MODELS,
    Dag.INGEST_EVENTS,
    Dag.SCORE_CUSTOMERS,
    Dag.RECOMMEND,
    Dag.MONITOR_MODELS,
    Dag.PUBLISH_MARKETING,
)


def run_demonstration(options: StackOptions, say: Say) -> int:
    """Make whatever of the demonstration is missing, report, and return 0 only if it is complete and right.

    Where nothing is missing, Airflow is not even started: no row changes. To see the work again, `make clean` first.
    """
    phases: dict[str, float] = {}
    with daemon.only_one(options.state_dir):
        server = EmbeddedPostgres(options.state_dir, options.postgres_settings)
        try:
            if options.warehouse_url is None:
                server.start()
            url = options.warehouse_url or server.url(WAREHOUSE)
            upgrade(url)
            warehouse = Warehouse(url)
            todo = demo.missing(warehouse)
            if todo.nothing():
                say("Everything is there: loading, training, scoring and publishing are skipped.")
            else:
                _work(replace(options, follow_schedules=False, api_port=None), todo, phases, say)
            if options.warehouse_url is None:
                server.start()
            with _timed(phases, "report"):
                say(report(warehouse))
                wrong = problems(warehouse)
        finally:
            server.stop()
    say("\nSeconds per phase: " + ", ".join(f"{name} {seconds:.0f}" for name, seconds in phases.items()))
    for problem in wrong:
        say(f"WRONG: {problem}")
    say("All tables are there and right." if not wrong else f"{len(wrong)} check(s) failed.")
    return 1 if wrong else 0


def _work(options: StackOptions, todo: demo.Missing, phases: dict[str, float], say: Say) -> None:
    """The phases that are needed, in a stack of our own."""
    with _timed(phases, "start"):
        stack = LocalStack(options, say=lambda text: say(f"{text} …"))
        stack.start()
    try:
        chain = Chain(stack, say)
        absent = sorted(set(DAGS) - {dag["dag_id"] for dag in stack.api.dags()})
        if absent:
            raise LocalStackError(f"{options.dags_folder} has no DAG {', '.join(absent)}.")
        chain.clear_leftovers()
        daemon.unpause(stack, list(DAGS))
        with _timed(phases, "land"):
            say("Landing the demonstration data: The Complete Journey, 2017, one file a day")
            stack.run_tool("land-demo", "-m", "customer_behavior", "land-demo")
        _history(chain, todo, phases, say)
        _week(chain, todo, phases, say)
        daemon.pause_leftovers(stack)
    finally:
        stack.stop()


def _history(chain: Chain, todo: demo.Missing, phases: dict[str, float], say: Say) -> None:
    """A year of batches at once, the models as of its end, and the one morning that can be judged by 1 January."""
    span = {"from_date": str(demo.HISTORY_FIRST), "to_date": str(demo.HISTORY_LAST)}
    with (
        _timed(phases, "load"),
        _phase(say, f"Loading {demo.HISTORY_FIRST} to {demo.HISTORY_LAST}", todo.history) as needed,
    ):
        if needed:
            chain.trigger(Dag.LOAD_HISTORY, conf={"source": demo.SOURCE, **span})
    with _timed(phases, "train"), _phase(say, f"Training as of {demo.TRAINED_AS_OF}", todo.model) as needed:
        if needed:
            day = demo.TRAINED_AS_OF - demo.ONE_DAY
            chain.trigger(Dag.TRAIN_MODELS, day=day, conf={"promote": True})
    with _timed(phases, "score"), _phase(say, f"Scoring {demo.JUDGED_AS_OF}", todo.judged_scores) as needed:
        if needed:
            chain.trigger(Dag.SCORE_CUSTOMERS, day=demo.JUDGED_AS_OF - demo.ONE_DAY)


def _week(chain: Chain, todo: demo.Missing, phases: dict[str, float], say: Say) -> None:
    """The last seven days, stage by stage, as a person would backfill them in the UI.

    Ingest and scoring are free of order and run two dates at a time; what builds on the day before runs in order.
    """
    last_days = f"{demo.BACKFILL_FIRST} to {demo.BACKFILL_LAST}"
    steps = (
        ("ingest", f"Backfilling {last_days}: ingest", {Dag.INGEST_EVENTS: todo.ingested}, 2),
        ("score week", f"Backfilling {last_days}: scores", {Dag.SCORE_CUSTOMERS: todo.scored}, 2),
        (
            "recommend, monitor",
            f"Backfilling {last_days}: recommendations and monitoring, side by side",
            {Dag.RECOMMEND: todo.recommended, Dag.MONITOR_MODELS: todo.monitored},
            1,
        ),
        ("publish", f"Backfilling {last_days}: publishing", {Dag.PUBLISH_MARKETING: todo.published}, 1),
    )
    for name, title, dags, parallel in steps:
        with _timed(phases, name), _phase(say, title, any(dags.values())) as needed:
            if needed:
                chain.backfill(*(Backfill(dag, dates, parallel) for dag, dates in dags.items() if dates))


@contextmanager
def _timed(phases: dict[str, float], name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    phases[name] = time.monotonic() - began


@contextmanager
def _phase(say: Say, title: str, missing: object) -> Iterator[bool]:
    say(title if missing else f"{title}: skipped, it is there")
    yield bool(missing)
