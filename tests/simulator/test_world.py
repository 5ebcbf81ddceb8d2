"""Worlds: what is shipped loads, and a mistake in one is named with its file and key."""

from __future__ import annotations

import re

import pytest
import yaml

from customer_behavior.errors import BadInputError, ConfigurationError
from customer_behavior.paths import INCLUDE_DIR, REPO_DIR
from customer_behavior.simulator import World, changed, load_world, simulate
from customer_behavior.simulator.bad_rows import KINDS
from customer_behavior.simulator.plants import Shift, Treatment
from customer_behavior.simulator.world import Sessions
from simulator.shops import world_of

BASE = {"first_day": "2024-03-01", "days": 30}


@pytest.mark.parametrize("path", sorted((INCLUDE_DIR / "worlds").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_world_loads(path):
    assert load_world(path).days == 120


def test_the_steady_world_plants_nothing():
    world = load_world(INCLUDE_DIR / "worlds" / "steady.yaml")
    plants = set(World.model_fields) - {"description", "seed", "first_day", "days", "timezone"}
    assert not plants & world.model_fields_set


def segment(**changes) -> dict:
    return {"name": "s", "date": "2024-03-10", "where": {"device": ["tablet"]}, "factor": 0.3, **changes}


@pytest.mark.parametrize(
    ("content", "key", "words"),
    [
        ({"price_treshold": {}}, "price_treshold", "Extra inputs"),
        ({"first_day": "soon"}, "first_day", "date"),
        ({"days": 0}, "days", "greater than or equal to 1"),
        ({"timezone": "Mars/Base"}, "timezone", "no IANA time zone"),
        ({"hours": [1, 2]}, "hours", "24 weights"),
        ({"mix": {"device": {"mobile": -1}}}, "mix.device", "0 or more"),
        ({"mix": {"device": {"a,b": 1}}}, "mix.device", "comma"),
        ({"price_threshold": {"price": 0, "factor": 0.3}}, "price_threshold.price", "greater than 0"),
        ({"peak_hours": {"hours": [24]}}, "peak_hours.hours", "0 to 23"),
        ({"shift": {"date": "2024-05-01"}}, "shift.date", "not after 2024-03-01 and up to 2024-03-30"),
        ({"risky_segments": [segment(factor=0.8)]}, "risky_segments.0.factor", "at least twofold"),
        ({"risky_segments": [segment(where={})]}, "risky_segments.0.where", "empty"),
        ({"risky_segments": [segment(where={"device": ["fax"]})]}, "risky_segments.s.where.device", "'fax'"),
        ({"risky_segments": [segment(), segment()]}, "risky_segments", "same name"),
        ({"treatment": {"actions": {"voucher": -1}}}, "treatment.actions", "0 or more"),
        ({"bots": {"share": 0.1, "views_per_day": 9_000}}, "bots", "twelve hours"),
        ({"late": {"share": 2}}, "late.share", "less than or equal to 0.5"),
        ({"bad_rows": {"stale": 3}}, "bad_rows", "'stale' is no kind of bad row; the kinds are time_missing"),
        ({"bad_rows": {"nobody": -3}}, "bad_rows", "0 or more"),
        ({"catalogue": {"products": 50}}, "catalogue", "too few for 40 categories"),
    ],
)
def test_a_mistake_is_named(tmp_path, content, key, words):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(BASE | content))
    with pytest.raises(ConfigurationError) as error:
        load_world(path)
    assert "mine.yaml" in str(error.value)
    assert key in str(error.value)
    assert words in str(error.value)


def test_a_file_that_is_missing_or_no_yaml_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.yaml is missing"):
        load_world(tmp_path / "none.yaml")
    (tmp_path / "odd.yaml").write_text("a: [")
    with pytest.raises(ConfigurationError, match=r"odd\.yaml is no YAML"):
        load_world(tmp_path / "odd.yaml")


def test_a_changed_world_is_checked_again():
    world = world_of(shift={"date": "2024-03-20", "prices": 2})
    assert changed(world, days=40, seed=5, customers=900).customers.population == 900
    with pytest.raises(ConfigurationError, match=r"shift\.date 2024-03-20"):
        changed(world, days=10)


def test_a_segment_with_too_few_customers_is_refused(tmp_path):
    mix = {"device": {"mobile": 99, "tablet": 1}}
    with pytest.raises(ConfigurationError, match=r"risky_segments\.s holds 1\.\d%"):
        simulate(world_of(mix=mix, risky_segments=[segment()], customers={"population": 5_000}), tmp_path)
    assert not (tmp_path / "manifest.json").exists()


def test_a_segment_by_price_and_country_together(simulated):
    rule = {"price": {"min": 100}, "country": ["DE"]}
    shop = simulated(world_of(customers={"population": 3_000}, risky_segments=[segment(where=rule)]))
    truth = (shop.out / "truth" / "customers.csv").read_text().splitlines()
    header = truth[0].split(",")
    for line in truth[1:]:
        row = dict(zip(header, line.split(","), strict=True))
        assert (row["segments"] == "s") == (float(row["usual_price"]) >= 100 and row["country"] == "DE")


def test_given_contacts_that_do_not_fit_are_named(tmp_path):
    path = tmp_path / "contacts.csv"
    world = world_of(treatment={"actions": {"voucher": 2}, "contacts": str(path)})
    for text, words in (
        ("date,user_id,action\n", "column 'arm' is missing"),
        ("date,user_id,action,arm\n2024-03-02,7,voucher,treated\n", "line 2: there is no customer 7"),
        ("date,user_id,action,arm\n2024-03-02,500000001,fax,treated\n", "line 2: .*actions are voucher"),
    ):
        path.write_text(text)
        with pytest.raises(BadInputError, match=words):
            simulate(world, tmp_path / "out")


def test_a_world_names_its_file_of_contacts_beside_itself(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(BASE | {"treatment": {"actions": {"voucher": 2}, "contacts": "who.csv"}}))
    with pytest.raises(ConfigurationError, match=r"treatment\.contacts: .*who\.csv is missing"):
        load_world(path)
    (tmp_path / "who.csv").write_text("date,user_id,action,arm\n")
    treatment = load_world(path).treatment
    assert treatment is not None
    assert treatment.contacts == tmp_path / "who.csv"


def test_the_page_names_every_key_and_kind_and_its_example_loads(tmp_path):
    page = (REPO_DIR / "docs" / "simulator.md").read_text()
    for name in (*World.model_fields, *KINDS, *Shift.model_fields, *Treatment.model_fields, *Sessions.model_fields):
        assert re.search(rf"\b{name}\b", page), name
    path = tmp_path / "example.yaml"
    path.write_text(page.split("```yaml\n")[1].split("```")[0])
    threshold = load_world(path).price_threshold
    assert threshold is not None
    assert threshold.price == 79.90
