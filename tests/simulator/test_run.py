"""Runs: the same bytes again, whole files, as many events as asked for, dimensions, and the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from customer_behavior.cli import main
from customer_behavior.errors import BadInputError, ConfigurationError
from customer_behavior.simulator import changed, simulate
from customer_behavior.simulator.bad_rows import KINDS
from simulator.shops import world_of

EVERYTHING = {
    "price_threshold": {"price": 80, "factor": 0.3},
    "peak_hours": {"hours": [20], "traffic": 3},
    "shift": {"date": "2024-03-15", "device": {"mobile": 1}, "prices": 1.1},
    "risky_segments": [{"name": "at", "date": "2024-03-10", "where": {"country": ["AT"]}, "factor": 2.5}],
    "treatment": {"actions": {"voucher": 2}},
    "bots": {"share": 0.02},
    "late": {"share": 0.1, "max_days": 3},
    "duplicated": {"share": 0.1, "max_days": 3},
    "identical_lines": 0.1,
    "bad_rows": dict.fromkeys(KINDS, 4),
}


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_world_and_seed_write_the_same_bytes(tmp_path):
    world = world_of(**EVERYTHING)
    for name in ("one", "two"):
        simulate(world, tmp_path / name)
    simulate(changed(world, seed=2), tmp_path / "other")
    one, two, other = (tree(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert all(one[name] != other[name] for name in one if name.startswith("clickstream/"))


def test_a_run_again_replaces_its_files_and_leaves_no_unfinished_one(tmp_path):
    world = world_of(**EVERYTHING)
    simulate(world, tmp_path)
    before = tree(tmp_path)
    simulate(world, tmp_path)
    assert tree(tmp_path) == before
    assert not [name for name in before if Path(name).name.startswith(".")]
    days = {f"2024-03-{day:02d}" for day in range(1, 31)}
    for folder in ("clickstream", "products", "customers", "contacts"):
        assert {Path(name).name[:10] for name in before if name.startswith(f"{folder}/")} == days


def test_files_of_another_run_are_not_mixed_with_ours(tmp_path):
    simulate(world_of(), tmp_path)
    with pytest.raises(BadInputError, match=r"files that this world does not write, such as 2024-03-11\.csv\.gz"):
        simulate(world_of(days=10), tmp_path)


@pytest.mark.parametrize("options", [{}, {"customers": 700}], ids=["more customers", "more visits"])
def test_about_as_many_events_as_asked_for(simulated, options):
    shop = simulated(world_of(bots={"share": 0.01, "views_per_day": 50}), events=60_000, **options)
    assert shop.manifest["totals"]["rows"] == pytest.approx(60_000, rel=0.04)
    if options:
        assert shop.manifest["world"]["customers"]["population"] == 700


def test_fewer_events_than_the_bots_make_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="of the bots alone"):
        simulate(world_of(bots={"share": 0.2}), tmp_path, events=1_000, customers=1_000)


def rows(path: Path) -> list[dict]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_dimensions_hold_all_first_and_then_what_changed(simulated):
    shop = simulated(world_of(catalogue={"price_changes": 0.01}, shift={"date": "2024-03-15", "prices": 2.0}))
    days = sorted((shop.out / "products").iterdir())
    current = {row["product_id"]: row for row in rows(days[0])}
    assert len(current) == 2_000
    for path in days[1:]:
        changes = rows(path)
        assert len(changes) == 2_000 if path.stem == "2024-03-15" else 0 < len(changes) < 60
        for row in changes:
            assert row != current[row["product_id"]]
            assert row["cost"] == current[row["product_id"]]["cost"]
            current[row["product_id"]] = row
    sold = shop.events[(shop.events.type == "purchase") & (shop.events.day >= shop.events.day.max())]
    assert all(
        f"{price:.2f}" == current[product]["price"] for product, price in zip(sold["product"], sold.price, strict=True)
    )


def test_customers_come_before_their_events_and_change_their_consent(simulated):
    shop = simulated(world_of(customers={"population": 500, "consent_changes": 0.01, "new_per_day": 0.02}))
    consent: dict[str, str] = {}
    flips = 0
    visits = shop.sessions.reset_index()
    for path in sorted((shop.out / "customers").iterdir()):
        for row in rows(path):
            known = consent.get(row["user_id"])
            flips += known is not None
            assert known is None or known != row["consent"]
            assert known is not None or row["joined"] in ("", path.stem)
            consent[row["user_id"]] = row["consent"]
        assert set(visits.customer[visits.day.astype(str) == path.stem]) <= set(consent)
    assert flips > 20
    assert len(consent) == shop.manifest["customers"]["people"]


def test_the_command_line(tmp_path, capsys):
    world = tmp_path / "mine.yaml"
    world.write_text("first_day: 2024-03-01\ndays: 9\n")
    options = ["--customers", "200", "--days", "3", "--seed", "7", "--no-gzip"]
    main(["simulate", "--world", str(world), "--out", str(tmp_path / "out"), *options])
    told = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (told["world"]["seed"], told["world"]["customers"]["population"]) == (7, 200)
    assert list(told["files"]) == [f"clickstream/2024-03-0{day}.csv" for day in (1, 2, 3)]
    assert f"{told['totals']['rows']} rows of 3 days" in capsys.readouterr().out


def test_an_error_on_the_command_line_is_a_sentence(tmp_path):
    with pytest.raises(SystemExit, match=r"error: .*none\.yaml is missing"):
        main(["simulate", "--world", str(tmp_path / "none.yaml"), "--out", str(tmp_path)])
