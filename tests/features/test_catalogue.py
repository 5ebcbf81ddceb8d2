"""The catalogue, the table and the document of features say the same."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from customer_behavior.errors import ConfigurationError
from customer_behavior.features.catalogue import describe
from customer_behavior.ingest import customer_day
from customer_behavior.paths import INCLUDE_DIR, REPO_DIR
from customer_behavior.settings import load_settings

COLUMNS = load_settings().catalogue.columns
KEY = {"as_of_date", "customer_id"}
NUMBERS = {"integer", "smallint", "bigint", "double precision"}


@pytest.fixture(scope="module")
def table(postgres) -> dict[str, tuple[bool, str]]:
    """Column of features.customer_snapshot to (may be NULL, type)."""
    engine = sa.create_engine(postgres.url("migrated"))
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT column_name, is_nullable = 'YES', data_type FROM information_schema.columns "
            "WHERE table_schema = 'features' AND table_name = 'customer_snapshot'"
        ).all()
    engine.dispose()
    return {name: (nullable, kind) for name, nullable, kind in rows if name not in KEY}


def test_the_catalogue_has_exactly_the_columns_of_the_table(table):
    assert set(COLUMNS) == set(table)


def test_words_for_no_value_are_given_exactly_where_there_may_be_none(table):
    assert {name for name, feature in COLUMNS.items() if feature.missing} == {
        name for name, (nullable, _) in table.items() if nullable
    }


def test_kinds_are_those_of_the_columns(table):
    assert {name: feature.kind for name, feature in COLUMNS.items()} == {
        name: "number" if kind in NUMBERS else "category" for name, (_, kind) in table.items()
    }


@pytest.mark.parametrize("name", COLUMNS)
def test_a_window_is_the_one_that_the_name_ends_in(name):
    ending = re.search(r"_(\d+)d$", name)
    if ending:
        assert COLUMNS[name].window_days == int(ending[1])
        words = COLUMNS[name].meaning
        assert ("on the day before" if ending[1] == "1" else f"in {ending[1]} days") in words


def test_sources_are_columns_of_the_rollup():
    named = {name: set(feature.source) for name, feature in COLUMNS.items()}
    assert all(named.values())
    assert {source for sources in named.values() for source in sources} <= set(customer_day.COLUMNS)


def test_the_columns_that_are_counted_over_windows_come_from_the_rollup_s_of_their_name():
    counted = [
        name
        for name in COLUMNS
        if re.search(r"_(1|7|28|90)d$", name) and name[: name.rindex("_")] in customer_day.COLUMNS
    ]
    assert len(counted) > 60
    assert {name for name in counted if COLUMNS[name].source != (name[: name.rindex("_")],)} == set()


@pytest.mark.parametrize("name", COLUMNS)
def test_phrases_say_the_value_the_window_and_nothing_in_code(name):
    feature = COLUMNS[name]
    said = feature.phrase.format(value=7.25 if feature.kind == "number" else "somewhere")
    assert re.search(r"7\b|725%|somewhere", said)
    assert not re.search(r"[{}_]|  ", said + (feature.missing or ""))
    one = re.search(r"_(\d+)d$", name)
    window = one and f"_{one[1]}d" != "_1d" and name[: name.rindex("_")] in customer_day.COLUMNS and "max" not in name
    if one and window:
        assert f"last {one[1]} days" in said
    shares = feature.unit == "share"
    assert ("%" in said) == (shares or name == "gap_variation")
    assert bool(re.search(r"7\.25\b", said)) == (feature.unit == "shop currency")


def test_models_read_numbers_that_are_meant_for_them():
    assert set(COLUMNS) - set(load_settings().features) == {
        "best_hour", "best_weekday", "favourite_category", "flagged", "country", "device", "channel",
    }  # fmt: skip
    assert list(load_settings().features) == [name for name in COLUMNS if name in load_settings().features]


def test_the_document_is_what_the_command_prints():
    printed = subprocess.run(
        [sys.executable, "-m", "customer_behavior", "describe-features"],
        env={"PYTHONPATH": str(INCLUDE_DIR)},
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert printed == describe(load_settings().catalogue)
    assert (REPO_DIR / "docs" / "features.md").read_text() == printed, (
        "python -m customer_behavior describe-features > docs/features.md"
    )


def test_the_document_has_a_row_for_every_column():
    rows = re.findall(r"^\| `(\w+)` \|", describe(load_settings().catalogue), re.MULTILINE)
    assert rows == list(COLUMNS)


PHRASES = {
    "bought {value:.0f times": "cannot be said of a number",
    "bought {count} times": "cannot be said of a number",
    "bought {value:%Q}": "cannot be said of a number",
    "bought often": "leaves out the value",
}


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_phrase_that_cannot_be_said_is_named_with_its_feature(tmp_path, monkeypatch, phrase):
    one = {"meaning": "Orders", "unit": "orders", "phrase": phrase}
    write(tmp_path, monkeypatch, {"families": {"Purchases": {"orders_7d": one}}})
    with pytest.raises(
        ConfigurationError, match=rf"features\.yaml: families\.Purchases\.orders_7d: .*{PHRASES[phrase]}"
    ):
        load_settings()


def test_a_feature_stands_in_one_family(tmp_path, monkeypatch):
    one = {"meaning": "Orders", "unit": "orders", "phrase": "{value} orders"}
    write(tmp_path, monkeypatch, {"families": {"Purchases": {"orders_7d": one}, "Trends": {"orders_7d": one}}})
    with pytest.raises(ConfigurationError, match=r"features\.yaml: families: .*in several families: orders_7d"):
        load_settings()


def write(folder: Path, monkeypatch: pytest.MonkeyPatch, content: dict) -> None:
    shutil.copytree(INCLUDE_DIR / "config", folder, dirs_exist_ok=True)
    (folder / "features.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_CONFIG", str(folder))
