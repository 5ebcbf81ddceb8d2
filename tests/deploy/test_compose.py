"""The container stack as files: every part is there, every secret is generated, none is in the image."""

import re
import shutil
import stat
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from cryptography.fernet import Fernet

REPO = Path(__file__).resolve().parents[2]
COMPOSE = (REPO / "docker-compose.yaml").read_text()
EXAMPLE = (REPO / ".env.example").read_text()
SERVICES = yaml.safe_load(COMPOSE)["services"]
AIRFLOW = {name for name in SERVICES if name.startswith("airflow-")}
SECRETS = set(re.findall(r"^([A-Z_]+)=$", EXAMPLE, re.MULTILINE))


def uses() -> list[tuple[str, str]]:
    """Every (variable, what follows its name) that the compose file takes from .env."""
    return re.findall(r"(?<!\$)\$\{([A-Z_]+)([^A-Z_}]{0,2})", COMPOSE)


def test_every_component_is_a_service():
    wanted = ("apiserver", "scheduler", "dag-processor", "triggerer", "worker", "init")
    assert {f"airflow-{name}" for name in wanted} | {"postgres", "redis", "mlflow"} == set(SERVICES)


def test_services_that_stay_are_watched_and_start_after_the_migrations():
    for name in set(SERVICES) - {"airflow-init"}:
        assert "test" in SERVICES[name]["healthcheck"], name
        assert SERVICES[name]["restart"] == "unless-stopped", name
    for name in AIRFLOW - {"airflow-init"}:
        assert SERVICES[name]["depends_on"]["airflow-init"]["condition"] == "service_completed_successfully", name


def test_both_databases_are_migrated_before_anything_else_starts():
    *_, script = SERVICES["airflow-init"]["command"]
    assert script.splitlines()[0] == "airflow db migrate"
    assert "python -m customer_behavior migrate" in script.splitlines()
    assert (
        "-euc" in SERVICES["airflow-init"]["command"]
    )  # a migration that fails fails the service, which the others wait for


def test_no_secret_has_a_default():
    assert {"POSTGRES_PASSWORD", "AIRFLOW_FERNET_KEY", "AIRFLOW_JWT_SECRET", "AIRFLOW_ADMIN_PASSWORD"} <= SECRETS
    taken = uses()
    for secret in SECRETS:
        operators = {operator for name, operator in taken if name == secret}
        assert ":?" in operators, f"{secret} may be missing unnoticed"
        assert not operators & {":-", "-"}, f"{secret} has a default"


def test_whatever_looks_like_a_secret_comes_from_the_environment_file():
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|FERNET|AUTH$", variable) and value is not None:
                assert re.fullmatch(r"\$\{[A-Z_]+(:\?[^}]+)?\}", value), f"{name}: {variable}"
    assert not re.search(r"://\w+:[^$@\s]+@", COMPOSE), "a URL with a password written out"


def test_every_setting_is_explained_in_the_example():
    explained = set(re.findall(r"^#?([A-Z_0-9]+)=", EXAMPLE, re.MULTILINE))
    without_value = {
        name for service in SERVICES.values() for name, value in service.get("environment", {}).items() if value is None
    }
    assert {"AIRFLOW_CONN_SMTP_DEFAULT", "AIRFLOW_CONN_AWS_DEFAULT", "AWS_SECRET_ACCESS_KEY"} <= without_value
    assert {name for name, _ in uses()} | without_value == explained


def test_a_bucket_takes_the_place_of_the_folder_in_every_component():
    assert {SERVICES[name]["environment"]["LANDING_DIR"] for name in AIRFLOW} == {
        "${LANDING_URL:-/opt/airflow/landing}"
    }


@pytest.mark.parametrize(
    "variable",
    [
        "AIRFLOW__API_AUTH__JWT_SECRET",
        "AIRFLOW__CORE__FERNET_KEY",
        "AIRFLOW__API__SECRET_KEY",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
        "WAREHOUSE_URL",
        "MLFLOW_TRACKING_URI",
    ],
)
def test_every_airflow_component_has_the_same(variable):
    assert len({SERVICES[name]["environment"][variable] for name in AIRFLOW}) == 1


def test_mlflow_answers_to_the_name_that_the_tasks_call_it_by_and_to_nobody_elses():
    address = urlsplit(SERVICES["airflow-worker"]["environment"]["MLFLOW_TRACKING_URI"])
    environment = SERVICES["mlflow"]["environment"]
    assert environment["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")[0] == address.netloc
    assert "*" not in environment["MLFLOW_SERVER_ALLOWED_HOSTS"].replace(":*", "")
    assert "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE" not in environment
    entrypoint = SERVICES["mlflow"]["entrypoint"]
    assert entrypoint[entrypoint.index("--port") + 1] == str(address.port)
    assert address.hostname in SERVICES


def test_mlflow_is_told_no_secret_but_its_own_and_nothing_waits_for_it():
    assert SECRETS & set(re.findall(r"[A-Z_]+", str(SERVICES["mlflow"]))) == {"MLFLOW_DB_PASSWORD"}
    assert not [name for name, service in SERVICES.items() if "mlflow" in service.get("depends_on", {})]


def test_nobody_is_told_that_it_runs():
    for name in AIRFLOW | {"mlflow"}:
        assert SERVICES[name]["environment"]["MLFLOW_DISABLE_TELEMETRY"] == "true", name
        assert SERVICES[name]["environment"]["DO_NOT_TRACK"] == "1", name


def test_ports_are_open_to_the_machine_itself_alone():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_image_is_made_of_code_and_nothing_else():
    rules = [line for line in (REPO / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert [rule[1:] for rule in rules if rule.startswith("!")] == [
        "requirements/prod.txt",
        "dags",
        "include",
        "plugins",
    ]


def test_the_generated_environment_is_complete_private_and_never_overwritten(tmp_path):
    (tmp_path / "deploy").mkdir()
    shutil.copy(REPO / ".env.example", tmp_path)
    shutil.copy(REPO / "deploy/new-env.sh", tmp_path / "deploy")
    command = ["sh", "deploy/new-env.sh"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    made = tmp_path / ".env"
    first = made.read_text()
    values = dict(line.split("=", 1) for line in first.splitlines() if re.match(r"[A-Z]", line))
    assert set(values) >= SECRETS
    assert len({values[secret] for secret in SECRETS}) == len(SECRETS)
    assert all(re.fullmatch(r"[\w=-]{32,}", values[secret]) for secret in SECRETS)
    Fernet(values["AIRFLOW_FERNET_KEY"])
    assert stat.S_IMODE(made.stat().st_mode) == 0o600

    again = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert again.returncode == 1
    assert ".env exists" in again.stderr
    assert made.read_text() == first
