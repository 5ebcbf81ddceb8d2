"""Whatever sources do to ids, nothing of an erased person is left, and a batch loaded again brings nothing back."""

from __future__ import annotations

import json

import pytest
import yaml

from customer_behavior.errors import BadInputError, ConfigurationError
from customer_behavior.maintenance import erasure
from customer_behavior.stages.ingest_events import load_delivery
from maintenance.persons import DAY, configure, land, load, said, state
from support.mornings import days, query


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, value in configure(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def stamp(time, rest):
    return f"{DAY} {time},{rest}"


MIA = "Mia.Muster@Example.org"
ZOE = "zoé@example.org"
# Each: source, lines of the person, id as typed, what must be left nowhere.
CASES = {
    "lower-cased": (
        "mail",
        [stamp("10:00:00", f"view,{MIA},v1,tea,2"), stamp("10:01:00", f"purchase,{MIA},v1,tea,2 EUR")],
        MIA,
        ["mia.muster"],
    ),
    "typed in capitals": ("mail", [stamp("10:00:00", f"view,{MIA},v1,tea,2")], MIA.upper(), ["mia.muster"]),
    "only refused, another case": (
        "mail",
        [stamp("10:01:00", f"purchase,{MIA.upper()},v1,tea,2 EUR")],
        MIA,
        ["mia.muster"],
    ),
    "with a namespace, typed bare": (
        "spaced",
        [stamp("10:00:00", "view,80915,v1,tea,2"), stamp("10:01:00", "purchase,80915,v1,tea,2 EUR")],
        "80915",
        ["80915"],
    ),
    "with a namespace, typed whole": (
        "spaced",
        [stamp("10:00:00", "view,80915,v1,tea,2"), stamp("10:01:00", "purchase,80915,v1,tea,2 EUR")],
        "WEB:80915",
        ["80915"],
    ),
    "with a namespace, only refused": ("spaced", [stamp("10:01:00", "purchase,80915,v1,tea,2 EUR")], "80915", ["80915"]),
    "escapes of JSON": (
        "json",
        [
            json.dumps({"time": f"{DAY} 10:00:00", "type": "view", "user": {"mail": ZOE}, "visit": "v1", "price": 2}),
            json.dumps({"time": f"{DAY} 10:01:00", "type": "view", "user": {"mail": ZOE}, "visit": "v1", "price": "2 EUR"}),
            json.dumps({"time": "never", "type": "view", "user": {"mail": ZOE.upper()}, "visit": "v1"}),
        ],
        ZOE,
        ["zo\\u00e9", "zoé", "ZO"],
    ),
    "a slash escaped": (
        "json",
        [f'{{"time": "{DAY} 10:01:00", "type": "no", "user": {{"mail": "shop\\/team\\/4711"}}, "visit": "v1"}}'],
        "shop/team/4711",
        ["4711"],
    ),
    "accents composed otherwise": (
        "plain",
        [stamp("10:00:00", "view,zoe\u0301@example.org,v1,tea,2"), stamp("10:01:00", "no,zoe\u0301@example.org,v1,tea,2")],
        ZOE,
        ["@example.org"],
    ),
    "quotes of CSV": (
        "plain",
        [stamp("10:00:00", 'view,"O""Hara, Jo",v1,tea,2'), stamp("10:01:00", 'no,"O""Hara, Jo",v1,tea,2')],
        'O"Hara, Jo',
        ["Hara"],
    ),
    "read in the wrong encoding": (
        "plain",
        [stamp("10:00:00", f"no,{ZOE.encode().decode('latin-1')},v1,tea,2"), stamp("10:01:00", "no,zo%C3%A9%40example.org,v1,tea,2")],
        ZOE,
        ["example.org"],
    ),
    "in attributes of others, however deep": (
        "kept",
        [
            stamp("10:00:00", 'view,,v7,tea,2,"mailto:mia.muster@example.org?subject=x",'),
            stamp("10:01:00", 'view,cyd,v8,tea,2,,"{""a"": [{""friend"": ""Mia.Muster@Example.org""}]}"'),
            stamp("10:02:00", 'view,amy,v9,tea,2,,"{""a"": ""{\\""b\\"": \\""mia\\u002emuster@example.org\\""}""}"'),
        ],
        MIA,
        ["muster"],
    ),
    "before login": (
        "plain",
        [
            stamp("09:59:00", "view,,v1,cup-nobody,2"),
            stamp("10:00:00", "view,718,v1,tea,2"),
            stamp("11:59:00", "view,,v1,cup-nobody,2"),
        ],
        "718",
        ["cup-nobody", "718"],
    ),
}  # fmt: skip
OTHERS = {
    source: [
        stamp("12:00:00", f"view,bob,v5,tea,2{end}"),
        stamp("12:00:30", f"view,,v6,tea,2{end}"),
        stamp("12:01:00", f"no,bob,v5,tea,2{end}"),
    ]
    for source, end in (("plain", ""), ("mail", ""), ("spaced", ""), ("kept", ",fine,"))
}
BOB = {"time": f"{DAY} 12:00:00", "type": "view", "user": {"mail": "bob"}, "visit": "v5", "item": "tea", "price": 2}
OTHERS["json"] = [json.dumps(BOB)]


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_left_and_nothing_comes_back(warehouse, folder, case):
    source, lines, typed, gone = CASES[case]
    land(folder, source, OTHERS[source])
    load(warehouse, folder, source)
    others = state(warehouse)
    land(folder, source, [*OTHERS[source], *lines])
    load(warehouse, folder, source)
    assert said(warehouse) != "\n".join(row for rows in others.values() for row in rows)
    counted = erasure.erase_customer(warehouse, typed)
    assert any(counted["rows"].values())
    done = erasure.erase_customer(warehouse, typed, dry_run=False)
    assert done["rows"] == counted["rows"]
    left = state(warehouse)
    text = said(warehouse).lower()
    for trace in gone:
        assert trace.lower() not in text, trace
    for table in ("events", "rejected_events", "customer_day"):
        assert [row for row in others[table] if row not in left[table]] == []  # everybody else is as they were
    load(warehouse, folder, source)
    assert state(warehouse) == left  # the ledger too
    assert not any(erasure.erase_customer(warehouse, typed)["rows"].values())


def test_a_line_that_is_mended_later_brings_nobody_back(warehouse, folder):
    land(folder, "spaced", [stamp("10:01:00", "purchase,80915,v1,tea,2 EUR")])
    load(warehouse, folder, "spaced")
    erasure.erase_customer(warehouse, "80915", dry_run=False)
    land(folder, "spaced", [stamp("10:01:00", "purchase,80915,v1,tea,2")])
    load(warehouse, folder, "spaced")
    assert query(warehouse, "SELECT rows_read, rows_erased FROM raw.ingest_batches") == [
        {"rows_read": 0, "rows_erased": 1}
    ]
    assert "80915" not in said(warehouse)


def test_another_source_s_customer_of_the_same_number_is_somebody_else(warehouse, folder):
    for source in ("plain", "spaced"):
        land(folder, source, [stamp("10:00:00", "view,80915,v1,tea,2"), stamp("10:01:00", "no,80915,v1,tea,2")])
        load(warehouse, folder, source)
    before = state(warehouse)
    for dry_run in (True, False):
        with pytest.raises(
            ConfigurationError, match=r"may mean 2 customers.*namespaces none, web\. Nothing was erased"
        ) as said_so:
            erasure.erase_customer(warehouse, "80915", dry_run)
        assert "80915" not in str(said_so.value)
    assert state(warehouse) == before
    erasure.erase_customer(warehouse, "web:80915", dry_run=False)
    assert [row for row in state(warehouse)["events"] if "80915" in row] == [
        row for row in before["events"] if "plain" in row
    ]
    assert len([row for row in state(warehouse)["rejected_events"] if "80915" in row]) == 1
    for source in ("plain", "spaced"):
        load(warehouse, folder, source)
    assert [row for row in state(warehouse)["events"] if "80915" in row] == [
        row for row in before["events"] if "plain" in row
    ]


def test_spellings_that_differ_in_case_are_asked_about(warehouse, folder):
    land(folder, "plain", [stamp("10:00:00", "view,Ann,v1,tea,2"), stamp("10:01:00", "view,ann,v2,tea,2")])
    load(warehouse, folder, "plain")
    with pytest.raises(ConfigurationError, match="differ in case"):
        erasure.erase_customer(warehouse, "ann", dry_run=False)
    erasure.erase_customer(warehouse, "ann", dry_run=False, spelling="exactly as typed")
    assert query(warehouse, "SELECT customer_id FROM raw.events") == [{"customer_id": "Ann"}]


def test_several_ids_of_one_person_go_at_once(warehouse, folder):
    land(folder, "plain", [stamp("10:00:00", "view,718,v1,tea,2"), stamp("10:01:00", f"view,{MIA},v2,tea,2")])
    load(warehouse, folder, "plain")
    done = erasure.erase_customer(warehouse, f"718\n{MIA}\n", dry_run=False)
    assert (done["customers"], done["rows"]["raw.events"]) == (2, 2)


def test_the_person_s_own_address_is_looked_for_and_a_shared_one_is_not(warehouse, folder):
    shared, own = "desk@shop.example", "mia@home.example"
    lines = [
        stamp("10:00:00", f"view,718,v1,tea,2,{own},{shared}"),
        stamp("10:01:00", f"view,bob,v2,tea,2,,{shared}"),
        stamp("10:02:00", f"view,,v3,tea,2,{own.upper()},"),
        stamp("10:03:00", f"no,,v3,tea,2,{own},"),
    ]
    land(folder, "kept", lines)
    load(warehouse, folder, "kept")
    erasure.erase_customer(warehouse, "718", dry_run=False)
    assert own not in said(warehouse).lower()
    assert shared in said(warehouse)
    left = state(warehouse)
    load(warehouse, folder, "kept")
    assert state(warehouse) == left


def test_a_number_is_found_as_a_cell_and_not_in_a_date_or_an_amount(warehouse, folder):
    land(
        folder,
        "plain",
        [f"{DAY} 10:12:00,no,7,v1,tea,12.50", f"{DAY} 10:00:00,no,12,v1,tea,2", f"{DAY} 10:00:00,no,12.0,v1,tea,2"],
    )
    load(warehouse, folder, "plain")
    erasure.erase_customer(warehouse, "12", dry_run=False)
    texts = [row["raw_text"] for row in query(warehouse, "SELECT raw_text FROM raw.rejected_events ORDER BY line")]
    assert texts == [f"{DAY} 10:12:00,no,7,v1,tea,12.50", "[erased]", "[erased]"]


def test_a_visit_over_midnight_stays_away_as_well(warehouse, folder):
    land(folder, "plain", [f"{DAY} 23:59:00,view,,v1,nobody-s,2"])
    land(
        folder,
        "plain",
        [f"{DAY + days(1)} 00:01:00,view,718,v1,tea,2", f"{DAY + days(1)} 09:00:00,view,,v2,tea,2"],
        DAY + days(1),
    )
    load(warehouse, folder, "plain", days=2)
    erasure.erase_customer(warehouse, "718", dry_run=False)
    for _ in range(2):
        events = query(warehouse, "SELECT session_id FROM raw.events")
        assert events == [{"session_id": "v2"}]
        load(warehouse, folder, "plain")  # the first day alone, in which nobody is named


def test_somebody_else_in_the_same_visit_stays(warehouse, folder):
    land(folder, "plain", [stamp("10:00:00", "view,718,v1,tea,2"), stamp("10:01:00", "view,bob,v1,tea,2")])
    load(warehouse, folder, "plain")
    erasure.erase_customer(warehouse, "718", dry_run=False)
    assert query(warehouse, "SELECT customer_id FROM raw.events") == [{"customer_id": "bob"}]


def test_dimensions_bring_nobody_back(warehouse, folder, monkeypatch):
    (folder / "dimensions").mkdir()
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_DIMENSIONS", str(folder / "dimensions"))
    told = {"description": "Consent", "kind": "customers", "path": "members/{date}.csv", "reject_limit": 1.0}
    told["columns"] = {"customer_id": "id", "consent": "consent"}
    (folder / "dimensions" / "members.yaml").write_text(yaml.safe_dump(told))
    path = folder / "landing" / "members" / f"{DAY}.csv"
    path.parent.mkdir(parents=True)
    path.write_text(f"id,consent\n{MIA},true\nbob,true\n{MIA.lower()},true,more\nann,true,more\n")
    load_delivery(warehouse, "members", DAY, landing=folder / "landing")
    erasure.erase_customer(warehouse, MIA.upper(), dry_run=False)
    left = state(warehouse)
    assert "muster" not in said(warehouse).lower()
    assert "ann,true,more" in said(warehouse)
    load_delivery(warehouse, "members", DAY, landing=folder / "landing")
    assert state(warehouse) == left


def test_what_is_kept_of_a_person_cannot_be_read(warehouse, folder):
    land(folder, "plain", [stamp("10:00:00", "view,718,v1,tea,2")])
    load(warehouse, folder, "plain")
    erasure.erase_customer(warehouse, "718", dry_run=False)
    rows = query(warehouse, "SELECT hash, kind FROM raw.erased_customers ORDER BY kind")
    assert [row["kind"] for row in rows] == ["name", "session", "session", "session"]
    assert all(len(row["hash"]) == 64 for row in rows)
    with warehouse.begin("ingest") as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM raw.erased_customers").scalar_one() == 4


@pytest.mark.parametrize("landed", ["nothing", "the header"])
def test_a_batch_whose_file_is_gone_is_emptied_by_an_empty_file_alone(warehouse, folder, landed):
    land(folder, "plain", [stamp("10:00:00", "view,718,v1,tea,2")])
    load(warehouse, folder, "plain")
    before = state(warehouse)
    if landed == "the header":
        land(folder, "plain", [])
        load(warehouse, folder, "plain")
        assert query(warehouse, "SELECT status FROM raw.ingest_batches") == [{"status": "empty"}]
        return
    (folder / "landing" / "plain" / f"{DAY}.csv").unlink()
    with pytest.raises(
        BadInputError, match=r"its 1 rows were loaded from plain/2024-03-05\.csv, which is no longer there"
    ):
        load(warehouse, folder, "plain")
    assert state(warehouse) == before
