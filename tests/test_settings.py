"""Configuration: what is shipped is understood, what is wrong is named with its file."""

from __future__ import annotations

import shutil

import pytest
import yaml

from customer_behavior import settings
from customer_behavior.errors import ConfigurationError
from customer_behavior.paths import INCLUDE_DIR
from customer_behavior.warehouse.sql_files import sql_text

LOADERS = {
    "shop": settings.load_shop,
    "targets": settings.load_targets,
    "actions": settings.load_settings,
    "retention": settings.load_settings,
    "monitoring": settings.load_settings,
    "features": settings.load_settings,
}


@pytest.fixture
def config(tmp_path, monkeypatch):
    shutil.copytree(INCLUDE_DIR / "config", tmp_path / "config")
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.mark.parametrize("name", LOADERS)
def test_an_unknown_key_is_named_with_its_file(config, name):
    path = config / f"{name}.yaml"
    path.write_text(path.read_text() + "\nsurprise: 1\n")
    with pytest.raises(ConfigurationError, match=rf"{name}\.yaml: surprise"):
        LOADERS[name]()


@pytest.mark.parametrize("name", LOADERS)
def test_a_missing_file_is_named(config, name):
    (config / f"{name}.yaml").unlink()
    with pytest.raises(ConfigurationError, match=rf"{name}\.yaml is missing"):
        LOADERS[name]()


def test_what_is_no_yaml_is_said(config):
    (config / "shop.yaml").write_text("timezone: [")
    with pytest.raises(ConfigurationError, match=r"shop\.yaml is no YAML"):
        settings.load_shop()


@pytest.mark.parametrize(
    ("value", "to"),
    [
        ([], ()),
        (None, ()),
        ("ann@example.com", ("ann@example.com",)),
        (["root@localhost", "Ann <ann@example.com>"], ("root@localhost", "Ann <ann@example.com>")),
    ],
)
def test_mail_goes_to_a_list_to_one_or_to_nobody(config, value, to):
    shop = yaml.safe_load((config / "shop.yaml").read_text())
    (config / "shop.yaml").write_text(yaml.safe_dump({**shop, "alert_to": value}))
    assert settings.load_shop().alert_to == to


def test_without_alert_to_nobody_is_mailed(config):
    shop = yaml.safe_load((config / "shop.yaml").read_text())
    del shop["alert_to"]
    (config / "shop.yaml").write_text(yaml.safe_dump(shop))
    assert settings.load_shop().alert_to == ()


@pytest.mark.parametrize(
    "address",
    [
        "ann",
        "ann@",
        "@example.com",
        "a@b@c",
        "a b@c.de",
        "a@b.c, d@e.f",
        "a@b.c;d@e.f",
        "",
        "a@b.c\nBcc: d@e.f",
        "j\u00fcrgen@x.de",
    ],
)
def test_an_address_that_is_none_is_named(config, address):
    shop = yaml.safe_load((config / "shop.yaml").read_text())
    (config / "shop.yaml").write_text(yaml.safe_dump({**shop, "alert_to": ["ok@example.com", address]}))
    with pytest.raises(ConfigurationError, match=r"shop\.yaml: alert_to: .* is no mail address; write a list like"):
        settings.load_shop()


def test_the_primary_target_is_a_target():
    assert settings.load_shop().primary_target in settings.load_targets().target_keys()


def test_every_target_names_sql_that_is_there():
    for target in settings.load_targets().targets.values():
        assert sql_text(f"targets/rows/{target.entity}").text
        if target.entity == "customer":
            assert sql_text(f"targets/labels/{target.label}").text
            assert target.population is not None
            assert sql_text(f"targets/populations/{target.population.name}").text


def test_the_catalogue_names_columns_of_the_snapshot(warehouse):
    with warehouse.begin("score") as connection:
        columns = connection.exec_driver_sql(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'customer_snapshot'"
        ).scalars()
        assert set(settings.load_settings().features) <= set(columns)


def test_phrases_take_a_value():
    for name, feature in settings.load_settings().features.items():
        assert feature.phrase.format(value=1.5) != feature.phrase, name
