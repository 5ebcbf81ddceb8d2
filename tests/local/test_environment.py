"""What the processes of the local Airflow are told, and not told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from customer_behavior.local import keys, mlflow_server
from customer_behavior.local.environment import airflow_environment, connection
from customer_behavior.local.options import StackOptions, plain_url
from customer_behavior.local.stack import LocalStack


def environment(state_dir: Path, **extra: str) -> dict[str, str]:
    return airflow_environment(
        StackOptions(state_dir=state_dir, extra_env=extra),
        keys.load(state_dir),
        metadata_url="postgresql://platform:pw@127.0.0.1:5001/airflow",
        warehouse_url="postgresql://platform:pw@127.0.0.1:5001/warehouse",
        api_port=8123,
        smtp_port=2525,
    )


def test_settings_of_another_airflow_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", "redis://elsewhere")
    monkeypatch.setenv("AIRFLOW_HOME", "/elsewhere")
    told = environment(tmp_path)
    assert told["AIRFLOW__CORE__EXECUTOR"] == "customer_behavior_airflow.preloading.PreloadingLocalExecutor"
    assert "AIRFLOW__CELERY__BROKER_URL" not in told
    assert told["AIRFLOW_HOME"] == str(tmp_path / "airflow")


def test_mail_goes_to_the_sink_unless_the_user_has_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_SMTP_DEFAULT", raising=False)
    sink = json.loads(environment(tmp_path)["AIRFLOW_CONN_SMTP_DEFAULT"])
    assert (sink["host"], sink["port"]) == ("127.0.0.1", 2525)
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", "smtp://mail.example.com:25")
    assert environment(tmp_path)["AIRFLOW_CONN_SMTP_DEFAULT"] == "smtp://mail.example.com:25"


def test_an_mlflow_of_the_shell_reaches_airflow_only_when_the_stack_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere:5000")
    assert environment(tmp_path)["MLFLOW_TRACKING_URI"] == ""
    assert (
        LocalStack(StackOptions(state_dir=tmp_path, tracking_uri="http://mine:5000")).tracking_uri == "http://mine:5000"
    )
    assert LocalStack(StackOptions(state_dir=tmp_path, tracking_uri="")).tracking_uri == ""


def test_nobody_is_told_that_we_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "secret")
    monkeypatch.setenv("MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE", "true")
    server = mlflow_server.environment("postgresql://mlflow:p%40w@127.0.0.1:5001/mlflow", "token")
    for told in (environment(tmp_path), server):
        assert told["MLFLOW_DISABLE_TELEMETRY"] == "true"
        assert told["DO_NOT_TRACK"] == "1"
    assert server["MLFLOW_BACKEND_STORE_URI"] == "postgresql+psycopg2://mlflow:p%40w@127.0.0.1:5001/mlflow"
    assert not {"AIRFLOW__CORE__FERNET_KEY", "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE"} & set(server)


def test_extra_settings_win(tmp_path: Path) -> None:
    assert environment(tmp_path, AIRFLOW__CORE__PARALLELISM="7")["AIRFLOW__CORE__PARALLELISM"] == "7"


def test_a_proxy_never_sees_what_the_processes_tell_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "intranet.example.com")
    assert environment(tmp_path)["NO_PROXY"] == "intranet.example.com,127.0.0.1,localhost"


def test_only_this_machine_is_listened_to(tmp_path: Path) -> None:
    told = environment(tmp_path)
    assert told["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert told["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8123/execution/"


def test_passwords_with_any_character_reach_the_connection() -> None:
    url = "postgresql+psycopg2://ann:p%40ss%2Fw%3Ard@db.example.com:6000/shop?sslmode=require"
    assert json.loads(connection(url)) == {
        "conn_type": "postgres",
        "host": "db.example.com",
        "port": 6000,
        "login": "ann",
        "password": "p@ss/w:rd",
        "schema": "shop",
        "extra": {"sslmode": "require"},
    }
    assert plain_url(url) == "postgresql://ann:p%40ss%2Fw%3Ard@db.example.com:6000/shop?sslmode=require"


def test_keys_are_generated_once_kept_privately_and_differ_between_stacks(tmp_path: Path) -> None:
    first, again, other = keys.load(tmp_path / "a"), keys.load(tmp_path / "a"), keys.load(tmp_path / "b")
    assert first == again
    assert not set(vars(first).values()) & set(vars(other).values())
    assert (tmp_path / "a" / "keys.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
