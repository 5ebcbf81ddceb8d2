"""What every DAG keeps to."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from customer_behavior.paths import REPO_DIR

HEAVY = ("pandas", "numpy", "sklearn", "xgboost", "shap", "evidently", "pyarrow", "scipy")
BY_FORM = ("erase_person", "load_history", "promote_model")  # no schedule: what a person asks for, when they ask
DATED = (
    "ingest_events", "monitor_models", "publish_marketing", "recommend", "score_customers", "train_models"
)  # fmt: skip
GRAPH = Path(__file__).parent / "graph.json"


def test_all_dags_of_the_design_are_there(dags):
    assert set(dags) == {
        "erase_person", "ingest_events", "load_history", "maintain_warehouse", "monitor_models", "promote_model", "publish_marketing",
        "recommend", "score_customers", "train_models",
    }  # fmt: skip


def test_it_has_tags_owner_and_a_description_with_an_example_form(dag):
    assert "customer-behaviour" in dag.tags
    assert len(dag.tags) >= 2
    assert dag.owner == "customer-behaviour"
    assert dag.doc_md.strip().startswith(f"### {dag.dag_id}")
    assert "Example form: `{" in dag.doc_md


def test_somebody_is_told_when_a_scheduled_run_fails(dag):
    (notifier,) = dag.on_failure_callback
    assert notifier.to == ["oncall@example.com"]


def test_its_tasks_try_again_what_may_pass_and_nothing_else(dag):
    from airflow.sdk import RetryAction

    from customer_behavior.errors import NotReadyError, TemporaryError

    for task in dag.tasks:
        assert task.retries == 3
        assert task.retry_delay == timedelta(seconds=20)
        decide = task.retry_policy.evaluate
        for lasting in (NotReadyError("no batch"), KeyError("column"), PermissionError("landing"), ImportError("s3fs")):
            assert decide(lasting, 1, 3, None).action == RetryAction.FAIL
        for passing in (
            TemporaryError("deadlock"),
            ConnectionError("gone"),
            TimeoutError(),
            OSError("503"),
            MemoryError(),
        ):
            assert decide(passing, 1, 3, None).action != RetryAction.FAIL


def test_it_has_few_tasks_and_does_not_catch_up(dag):
    assert 1 <= len(dag.tasks) <= 4
    assert dag.catchup is False


def test_its_days_are_the_shop_s(dag):
    if dag.dag_id in BY_FORM:
        assert dag.schedule is None
        return
    from airflow.sdk import CronDataIntervalTimetable

    assert isinstance(dag.timetable, CronDataIntervalTimetable)
    assert str(dag.timetable.timezone) in ("America/New_York", "Timezone('America/New_York')")
    assert dag.timetable.expression.startswith("0 0 * * ")


def test_a_dated_dag_can_be_backfilled_and_takes_a_date_by_form_and_no_other_asks_for_one(dag):
    if dag.dag_id in DATED:
        assert dag.params.get_param("as_of_date").schema["format"] == "date"
    else:
        assert "as_of_date" not in dag.params


def test_each_field_of_its_form_has_a_title_and_a_sentence(dag):
    for name in dag.params:
        field = dag.params.get_param(name)
        title, said = field.schema.get("title", ""), field.schema.get("description_md", "")
        assert title and title != name, name
        assert len(said.split()) >= 5 and said.rstrip().endswith("."), (name, said)


def test_what_removes_is_a_dry_run_unless_its_form_says_otherwise(dag):
    source = (REPO_DIR / "dags" / f"{dag.dag_id}.py").read_text()
    if "apply_retention" in source or "erase_customer" in source:
        assert dag.params["dry_run"] is True
        assert dag.params.get_param("dry_run").schema["title"] == "Dry run"


def test_what_a_person_decides_shares_no_dag_with_a_schedule(dags):
    """The form of a paused DAG has "Unpause on trigger" ticked, and unpausing makes its newest missed run at once."""
    for dag_id, dag in dags.items():
        source = (REPO_DIR / "dags" / f"{dag_id}.py").read_text()
        if "erase_customer" in source or "promote_chosen" in source:
            assert dag.schedule is None, dag_id


def test_no_form_asks_for_who_is_to_be_erased(dags):
    """Airflow keeps forms for good; a Variable can be deleted, and Airflow masks what a name with "secret" in it holds."""
    assert set(dags["erase_person"].params) == {"dry_run", "spelling"}
    assert "erase_person_secret" in dags["erase_person"].doc_md


def test_it_leaves_a_named_asset(dag):
    assert [asset.name for task in dag.tasks for asset in task.outlets]


def test_its_file_is_short_wiring(dag_file):
    assert len(dag_file.read_text().splitlines()) < 150


def test_its_arguments_do_not_vary_from_run_to_run(dag_file):
    from airflow.utils.dag_version_inflation_checker import check_dag_file_stability

    assert check_dag_file_stability(str(dag_file)).warnings == {}


def test_the_check_of_varying_arguments_finds_one(tmp_path):
    from airflow.utils.dag_version_inflation_checker import check_dag_file_stability

    path = tmp_path / "bad.py"
    path.write_text(
        "from datetime import datetime\nfrom airflow.sdk import DAG\nwith DAG('d', start_date=datetime.now()):\n    pass\n"
    )
    assert check_dag_file_stability(str(path)).warnings


READ = f"""
import airflow.sdk, json, os, runpy, sys
before = set(sys.modules)
for path in sys.argv[1:]:
    child = os.fork()  # each file is read by a process that has read no other
    if child == 0:
        runpy.run_path(path)
        print(json.dumps([path, [name for name in {HEAVY!r} if name in sys.modules and name not in before]]), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, path
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """What is heavy and imported when a DAG file is read, by the file."""
    done = subprocess.run(
        [sys.executable, "-c", READ, *map(str, sorted((REPO_DIR / "dags").glob("*.py")))],
        capture_output=True,
        text=True,
        check=True,
        env=_environment(),
    )
    return dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))


def test_reading_the_files_imports_nothing_heavy(dag_file, imported):
    assert imported[str(dag_file)] == []


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": f"{REPO_DIR / 'include'}:{REPO_DIR / 'plugins'}"}


def test_the_data_interval_is_never_read():
    for path in [*(REPO_DIR / "dags").glob("*.py"), *(REPO_DIR / "plugins").rglob("*.py")]:
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        keys = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not (names | keys) & {"data_interval_start", "data_interval_end", "data_interval"}, path


def test_the_package_imports_no_airflow():
    for path in (REPO_DIR / "include" / "customer_behavior").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in modules if name == "airflow" or name.startswith("airflow.")], path


def test_tasks_and_edges_are_as_recorded(dags):
    """A change of the graph shows in the diff of graph.json: `UPDATE_GRAPH=1 make test ARGS=tests/dags` writes it anew."""
    import os

    graph = {
        dag_id: {task.task_id: sorted(task.downstream_task_ids) for task in sorted(dag.tasks, key=lambda t: t.task_id)}
        for dag_id, dag in sorted(dags.items())
    }
    if os.environ.get("UPDATE_GRAPH"):
        GRAPH.write_text(json.dumps(graph, indent=2) + "\n")
    assert graph == json.loads(GRAPH.read_text())


@pytest.mark.parametrize("name", ["include", "plugins", "dags"])
def test_airflow_3_ways_only(name):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "AIR3", "--output-format", "concise", name],
        cwd=REPO_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
