"""What MLflow has after a night, and what happens when it is not there."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from customer_behavior.local import processes
from customer_behavior.local.options import REPOSITORY
from customer_behavior.local.ports import free_port
from customer_behavior.tracking import (
    Logged,
    TrackingError,
    TrainingRecord,
    log_training,
    mirror_champions,
    registered_name,
)

Make = Callable[..., TrainingRecord]


@pytest.fixture
def client(mlflow_at) -> MlflowClient:
    return MlflowClient(tracking_uri=mlflow_at.address)


def logged(record: TrainingRecord) -> Logged:
    found = log_training(record)
    assert found is not None
    return found


def name_of(record: TrainingRecord) -> str:
    return registered_name(record.target, record.horizon_days)


def aliases(client: MlflowClient, record: TrainingRecord) -> dict[str, str]:
    return {alias: str(version) for alias, version in client.get_registered_model(name_of(record)).aliases.items()}


def test_a_run_has_parameters_metrics_and_tags(client: MlflowClient, record: Make) -> None:
    made = record()
    run = client.get_run(logged(made).run_id)
    assert run.data.params == {
        "max_depth": "4",
        "cutoffs": "['2026-01-01', '2026-01-08']",
        "early_stopping": "None",
    }
    assert run.data.metrics == {"auc": 0.8125, "brier": 0.0625}
    assert run.data.tags["promoted"] == "True"
    assert run.data.tags["as_of"] == "2026-03-01"
    assert run.info.status == "FINISHED"
    assert client.get_experiment(run.info.experiment_id).name == name_of(made)


def test_files_and_report_come_back_byte_equal(client: MlflowClient, record: Make, tmp_path: Path) -> None:
    made = record()
    found = logged(made)
    version = client.get_model_version(name_of(made), found.version)
    assert version.run_id == found.run_id
    assert version.tags["model_id"] == made.model_id
    source = client.get_model_version_download_uri(name_of(made), found.version)
    assert source == f"{client.get_run(found.run_id).info.artifact_uri}/model"
    folder = Path(client.download_artifacts(found.run_id, "", str(tmp_path)))
    there = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    report = (made.report_html or "").encode()
    assert there == {f"model/{name}": content for name, content in made.files.items()} | {"report.html": report}


def test_a_second_call_finds_the_run_and_updates_it(client: MlflowClient, record: Make) -> None:
    first = logged(record(report_html=None, tags={"promoted": "False"}))
    again = logged(record(tags={"promoted": "True"}, parameters={"max_depth": 4, "added": 1}))
    assert again == first
    run = client.get_run(first.run_id)
    assert run.data.tags["promoted"] == "True"
    assert run.data.params["added"] == "1"
    assert "report.html" in {entry.path for entry in client.list_artifacts(first.run_id)}
    assert len(client.get_metric_history(first.run_id, "auc")) == 1
    assert len(client.search_runs([run.info.experiment_id])) == 1
    assert len(client.search_model_versions(f"name = '{name_of(record())}'")) == 1


def test_a_run_cut_short_is_completed(client: MlflowClient, record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: object, **__: object) -> None:
        raise ConnectionError("the network is gone")

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "log_artifacts", cut)
        with pytest.raises(TrackingError, match="the network is gone"):
            log_training(record())
    found = logged(record())
    (run,) = client.search_runs([client.get_run(found.run_id).info.experiment_id])
    assert run.info.run_id == found.run_id
    assert run.info.status == "FINISHED"
    assert {entry.path for entry in client.list_artifacts(found.run_id)} == {"model", "report.html"}


def test_other_models_and_horizons_are_versions_and_models_of_their_own(client: MlflowClient, record: Make) -> None:
    one, two = logged(record()), logged(record(model_id="ffff00001111"))
    other = logged(record(horizon_days=30))
    assert (one.version, two.version, other.version) == ("1", "2", "1")
    assert len({one.run_id, two.run_id, other.run_id}) == 3


def test_many_parameters_and_long_values_fit(client: MlflowClient, record: Make) -> None:
    many = {f"parameter {number}": number for number in range(150)} | {"columns": "x" * 20_000}
    run = client.get_run(logged(record(parameters=many)).run_id)
    assert set(run.data.params) == set(many)


def test_nothing_stored_is_a_pickle(mlflow_at, record: Make) -> None:
    log_training(record())
    stored = [path for path in mlflow_at.artifacts.rglob("*") if path.is_file()]
    assert {path.name for path in stored} == {"model.json", "booster.ubj", "report.html"}
    assert not [path for path in stored if path.read_bytes()[:1] == b"\x80"]  # the first byte of a pickle


def test_the_alias_follows_the_champion(client: MlflowClient, record: Make) -> None:
    first, second = record(), record(model_id="ffff00001111")
    key = (first.target, first.horizon_days)
    one, two = logged(first), logged(second)
    mirrored = mirror_champions({key: first.model_id})
    assert mirrored is not None
    assert mirrored.aliases == {name_of(first): one.version}
    assert aliases(client, first) == {"champion": one.version}
    mirror_champions({key: second.model_id})
    assert aliases(client, first) == {"champion": two.version}
    mirror_champions({key: first.model_id})
    assert aliases(client, first) == {"champion": one.version}


def test_the_alias_goes_with_the_champion(client: MlflowClient, record: Make) -> None:
    made = record()
    log_training(made)
    mirror_champions({(made.target, made.horizon_days): made.model_id})
    mirrored = mirror_champions({})
    assert mirrored is not None
    assert mirrored.removed == (name_of(made),)
    assert aliases(client, made) == {}


def test_a_champion_that_mlflow_has_not_is_reported_and_no_other_is_named(client: MlflowClient, record: Make) -> None:
    made, unheard = record(), record(horizon_days=14)
    log_training(made)
    key = (made.target, made.horizon_days)
    mirror_champions({key: made.model_id})
    champions = {key: "ffff00001111", (unheard.target, unheard.horizon_days): "0123"}
    mirrored = mirror_champions(champions)
    assert mirrored is not None
    assert mirrored.missing == champions
    assert aliases(client, made) == {}


def test_aliases_of_others_on_a_shared_server_stay(client: MlflowClient, record: Make) -> None:
    made = record()
    found = logged(made)
    source = client.get_model_version_download_uri(name_of(made), found.version)
    client.create_registered_model("somebody-elses")
    client.create_model_version("somebody-elses", source, run_id=found.run_id, await_creation_for=0)
    client.set_registered_model_alias("somebody-elses", "champion", "1")
    mirror_champions({})
    assert client.get_registered_model("somebody-elses").aliases == {"champion": "1"}


def test_the_link_opens_where_people_reach_the_page(mlflow_at, record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    assert logged(record()).url.startswith(f"{mlflow_at.address}/#/experiments/")
    monkeypatch.setenv("MLFLOW_BASE_URL", "https://mlflow.shop.example/")
    found = logged(record())
    assert found.url.startswith("https://mlflow.shop.example/#/experiments/")
    assert found.url.endswith(f"/runs/{found.run_id}")


def test_a_deleted_experiment_is_said(client: MlflowClient, record: Make) -> None:
    run = client.get_run(logged(record()).run_id)
    client.delete_experiment(run.info.experiment_id)
    with pytest.raises(TrackingError, match="was deleted"):
        log_training(record())


@pytest.mark.parametrize("address", [None, "", "  "])
def test_without_an_address_nothing_is_told(
    address: str | None, record: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if address is not None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with caplog.at_level(logging.INFO):
        assert log_training(record()) is None
        assert mirror_champions({("purchase", 7): "0123"}) is None
    assert [entry.levelname for entry in caplog.records] == ["INFO", "INFO"]
    assert all("MLFLOW_TRACKING_URI is not set" in entry.message for entry in caplog.records)


def test_a_server_that_is_down_is_a_tracking_error(record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://somebody:secret@127.0.0.1:{port}")
    for attempt in (lambda: log_training(record()), lambda: mirror_champions({})):
        with pytest.raises(TrackingError) as failure:
            attempt()
        assert f"MLflow at http://127.0.0.1:{port}" in str(failure.value)
        assert "secret" not in str(failure.value)


@pytest.fixture
def hanging(mlflow_at) -> Iterator[None]:
    """The server takes connections and says nothing."""
    pids = processes.of_stack("", {mlflow_at.session})
    processes.send(pids, signal.SIGSTOP)
    yield
    processes.send(pids, signal.SIGCONT)


@pytest.mark.timeout(60)  # MLflow's own patience is 120 s, eight times over
def test_a_server_that_hangs_is_a_tracking_error(hanging: None, record: Make) -> None:
    with pytest.raises(TrackingError, match="Logging model"):
        log_training(record())


@pytest.mark.parametrize("address", ["sqlite:///mlflow.db", "some/folder", "databricks"])
def test_an_address_that_is_no_server_is_refused(address: str, record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(TrackingError, match="MLFLOW_TRACKING_URI has to be"):
        log_training(record())


@pytest.mark.parametrize("name", ["../report.html", "/etc/passwd", "model/../../x", ""])
def test_files_stay_below_their_folder(name: str, record: Make) -> None:
    with pytest.raises(ValueError, match="is not a path below model/"):
        record(files={name: b""})


def test_nobody_is_told_that_we_run() -> None:
    """In a process of its own: MLflow decides when it is imported."""
    script = """
from customer_behavior.tracking.server import asking
with asking("Nothing"):
    from mlflow.telemetry import get_telemetry_client
    print(get_telemetry_client())
"""
    # MLflow is quiet of itself where the environment looks like a test's or a CI's: leave all of it out.
    environment = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "PYTHONPATH": str(REPOSITORY / "include")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout == "None\n"
