"""Landing in an object store: the same rows as from a folder, in bounded memory; what is wrong is said with its address."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tracemalloc
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import yaml

from customer_behavior.asof import ONE_DAY
from customer_behavior.errors import BadInputError, ConfigurationError, NotReadyError
from customer_behavior.ingest import blocks
from customer_behavior.ingest.blocks import open_bytes
from customer_behavior.ingest.landing import landed_files
from customer_behavior.ingest.source import load_source
from customer_behavior.local import keys
from customer_behavior.local.environment import airflow_environment
from customer_behavior.local.options import StackOptions
from customer_behavior.local.ports import free_port
from customer_behavior.paths import landing_dir
from customer_behavior.stages.ingest_events import ingest, load_delivery
from customer_behavior.stages.load_history import cut_history
from support import small_shop
from support.object_store import KEY, SECRET, object_store
from support.small_shop import line

DAY = date(2024, 3, 5)
NEXT = DAY + ONE_DAY
TABLES = ("raw.events", "raw.rejected_events", "raw.ingest_batches", "features.customer_day")
LINES = [
    *(line(f"{DAY} 10:00:0{n}", customer=f"c{n % 3}", item=f"tea, {n}", price="2.5") for n in range(8)),
    line(f"{DAY} 11:00:00", price="cheap"),
]


@pytest.fixture(scope="module")
def store():
    with object_store() as started:
        yield started


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """The till's configuration, in the environment; its local landing folder."""
    for name, value in small_shop.configure(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path / "landing"


@pytest.fixture
def bucket(store, shop, monkeypatch, request):
    """An empty bucket, named by LANDING_DIR through the connection `shop_files`."""
    name = store.make_bucket(f"bucket-{abs(hash(request.node.name))}")
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_FILES", store.connection())
    monkeypatch.setenv("LANDING_DIR", f"s3://shop_files@{name}/landing")
    return name


def landing():
    """The root that a task would read."""
    from customer_behavior_airflow.landing import landing as of_a_task

    return of_a_task()


def land(folder: Path, form: str) -> None:
    """Land the day's lines in two files."""
    (folder / "till").mkdir(exist_ok=True)
    for name, rows in (("b", LINES[:4]), ("a", LINES[4:])):
        path = folder / "till" / f"{DAY}-{name}.{form}"
        if form == "parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
        elif form == "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            plain = small_shop.land(folder / "plain", DAY, rows)
            path.write_bytes(gzip.compress(plain.read_bytes()) if form == "csv.gz" else plain.read_bytes())


def describe(folder: Path, form: str, **more) -> None:
    small_shop.configure(folder.parent, {"format": form.split(".")[0], "path": "till/{date}-*." + form, **more})


def loaded(warehouse, root, first=DAY, last=DAY) -> dict[str, list[str]]:
    """Load days from a root; return the rows of the tables, without who wrote them and when."""
    ingest(warehouse, "till", first, last, landing=root)
    with warehouse.begin() as connection:
        tables = {}
        for table in TABLES:
            rows = connection.execute(sa.text(f"SELECT * FROM {table}")).mappings().all()
            kept = [
                {name: value for name, value in row.items() if name not in ("loaded_at", "rejected_at", "run_id")}
                for row in rows
            ]
            tables[table] = sorted(json.dumps(row, default=str, sort_keys=True) for row in kept)
        return tables


@pytest.mark.parametrize("form", ["csv", "csv.gz", "jsonl", "parquet"])
def test_a_bucket_gives_the_rows_of_a_folder(store, shop, bucket, warehouse, form):
    describe(shop, form)
    land(shop, form)
    store.put_folder(shop, bucket, "landing")
    local = loaded(warehouse, shop)
    assert len(local["raw.events"]) == 8
    assert len(local["raw.rejected_events"]) == 1
    assert f'"till/{DAY}-a.{form}", "till/{DAY}-b.{form}"' in local["raw.ingest_batches"][0]
    with warehouse.begin() as connection:
        connection.execute(
            sa.text("TRUNCATE raw.events, raw.rejected_events, raw.ingest_batches, features.customer_day")
        )
    assert loaded(warehouse, landing()) == local


@pytest.mark.parametrize("url", ["file://{folder}", "file://any@{folder}"])
def test_a_folder_may_be_named_by_a_url(shop, warehouse, monkeypatch, url):
    describe(shop, "csv.gz")
    land(shop, "csv.gz")
    local = loaded(warehouse, shop)
    monkeypatch.setenv("AIRFLOW_CONN_ANY", json.dumps({"conn_type": "fs"}))
    monkeypatch.setenv("LANDING_DIR", url.format(folder=shop))
    assert loaded(warehouse, landing()) == local
    monkeypatch.setenv("LANDING_DIR", str(shop))
    assert landing() == shop


def test_without_airflow_a_bucket_opens_with_the_credentials_of_the_environment(
    store, shop, bucket, warehouse, monkeypatch
):
    describe(shop, "csv.gz")
    land(shop, "csv.gz")
    store.put_folder(shop, bucket, "landing")
    local = loaded(warehouse, shop)
    with pytest.raises(ConfigurationError, match=f"set it to s3://{bucket}/landing, with the credentials"):
        landing_dir()
    for name, value in (("ENDPOINT_URL", store.url), ("ACCESS_KEY_ID", KEY), ("SECRET_ACCESS_KEY", SECRET)):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("LANDING_DIR", f"s3://{bucket}/landing")
    assert loaded(warehouse, None) == local
    assert str(landing()) == str(landing_dir()) == f"s3://{bucket}/landing"
    small_shop.configure(shop.parent, {"path": "till/*{date}.csv"})
    assert landed_files(load_source("till"), NEXT, landing_dir()).files == []
    store.put(bucket, f"landing/till/{NEXT}.csv", b"time\n")
    assert [file.name for file in landed_files(load_source("till"), NEXT, landing_dir()).files] == [f"{NEXT}.csv"]


def test_a_range_is_cut_by_the_sizes_of_its_objects(store, shop, bucket, warehouse, monkeypatch):
    small_shop.land_history(shop, 6)
    store.put_folder(shop, bucket, "landing")
    files = sorted((shop / "till").glob("*.csv"))
    monkeypatch.setattr("customer_behavior.ingest.batches.CHUNK_BYTES", 2 * files[0].stat().st_size)
    first = small_shop.FIRST_DAY
    for root in (shop, landing()):
        ingest(warehouse, "till", first, first + timedelta(days=5), landing=root)
    loads = "SELECT slice FROM monitoring.write_audit WHERE table_name = 'raw.events' ORDER BY written_at"
    with warehouse.begin() as connection:
        slices = connection.execute(sa.text(loads)).scalars().all()
    half = len(slices) // 2
    assert 1 < half < 6
    assert slices[:half] == slices[half:]


def test_copies_in_a_bucket_count_once_and_an_upload_is_awaited(store, shop, bucket, warehouse):
    small_shop.configure(shop.parent, {"path": "till/{date}*.csv*"})
    content = small_shop.land(shop, DAY, LINES).read_bytes()
    store.put(bucket, f"landing/till/{DAY}.csv.part", content[:100])
    with pytest.raises(NotReadyError, match=f"not landed yet: till/{DAY}.csv.part"):
        loaded(warehouse, landing())
    for name, held in (
        (".csv", content),
        (" (1).csv", content),
        (".csv.gz", gzip.compress(content)),
        (".csv.bak", content),
    ):
        store.put(bucket, f"landing/till/{DAY}{name}", held)
    tables = loaded(warehouse, landing())
    assert (len(tables["raw.events"]), len(tables["raw.rejected_events"])) == (8, 1)
    ledger = json.loads(tables["raw.ingest_batches"][0])
    assert ledger["files"] == [f"till/{DAY}.csv"]
    assert len(ledger["files_passed_over"]) == 4


def test_a_history_is_cut_in_a_bucket(store, shop, bucket):
    path = small_shop.land(shop, DAY, [line(f"{NEXT} 10:00:00"), *LINES])
    store.put(bucket, "landing/history/all.csv", path.read_bytes())
    for written, kept in ((2, 0), (0, 2)):
        cut = cut_history("till", landing() / "history" / "all.csv", landing=landing())
        assert (cut.first, cut.last, cut.rows, cut.written, cut.kept) == (DAY, NEXT, len(LINES) + 1, written, kept)
    [file] = landed_files(load_source("till"), DAY, landing()).files
    assert len(file.read_text().splitlines()) == len(LINES) + 1


def test_a_dimension_lands_in_the_bucket_too(store, shop, bucket, warehouse, monkeypatch):
    folder = shop.parent / "dimensions"
    folder.mkdir()
    described = {
        "description": "Consent",
        "kind": "customers",
        "path": "members/{date}.csv",
        "on_missing": "fail",
        "columns": {"customer_id": "id", "consent": "consent"},
    }
    (folder / "members.yaml").write_text(yaml.safe_dump(described))
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_DIMENSIONS", str(folder))
    with pytest.raises(NotReadyError, match=f"no file at s3://shop_files@{bucket}/landing/members/{DAY}.csv"):
        load_delivery(warehouse, "members", DAY, landing=landing())
    store.put(bucket, f"landing/members/{DAY}.csv", b"id,consent\nc1,true\nc2,false\n")
    assert load_delivery(warehouse, "members", DAY, landing=landing())["rows_accepted"] == 2


# --- what is wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["till/{date}.csv", "till/*{date}.csv"])
def test_what_has_not_landed_is_waited_for_and_then_seen(store, shop, bucket, warehouse, path):
    from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
    from airflow.sdk.exceptions import TaskDeferred

    from customer_behavior_airflow import checks
    from customer_behavior_airflow.waiting import WaitUntilReady

    small_shop.configure(shop.parent, {"path": path})
    store.put(bucket, f"landing/till/{NEXT}.csv", b"time\n")
    nothing = re.escape(f"till {DAY}: no file at s3://shop_files@{bucket}/landing/{path.format(date=DAY)}; land it")
    wait = WaitUntilReady(task_id="wait", check=checks.files_landed)
    night = datetime.fromisoformat(f"{DAY}T00:00:00-05:00")
    run = SimpleNamespace(logical_date=night, run_id="r", run_type="manual")
    context = {"dag_run": run, "params": {}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("customer_behavior_airflow.waiting.warehouse", lambda: warehouse)
        with pytest.raises(NotReadyError, match=nothing):
            wait.execute(context)
        run.run_type = "scheduled"
        with pytest.raises(TaskDeferred) as deferred:
            wait.execute(context)
        assert isinstance(deferred.value.trigger, TimeDeltaTrigger)  # nothing but time passes in the triggerer
        store.put(bucket, f"landing/till/{DAY}.csv", b"time\n")
        wait.look_again(context, looked=1)


def test_credentials_may_be_limited_to_the_folder(shop, bucket, monkeypatch):
    def refuses(_path):
        raise PermissionError("Forbidden")

    root = landing()
    monkeypatch.setattr(root.fs, "info", refuses)
    small_shop.configure(shop.parent, {"path": "till/{date}*.csv"})
    assert landed_files(load_source("till"), DAY, root).files == []


@pytest.mark.parametrize("path", ["till/{date}.csv", "till/{date}*.csv"])
@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("s3://shop_files@no-such-bucket/landing", "there is no bucket 'no-such-bucket' .*correct LANDING_DIR"),
        ("s3://typo@{bucket}/landing", "no Airflow connection 'typo'; add it .*AIRFLOW_CONN_TYPO"),
        ("foo://shop_files@{bucket}/landing", "LANDING_DIR=foo://shop_files@.*no store of this kind"),
        ("foo://{bucket}/landing", "LANDING_DIR=foo://bucket.*no such store can be opened"),
    ],
)
def test_a_store_that_is_not_there_is_no_file_to_wait_for(shop, bucket, monkeypatch, location, message, path):
    small_shop.configure(shop.parent, {"path": path})
    monkeypatch.setenv("LANDING_DIR", location.format(bucket=bucket))
    with pytest.raises(ConfigurationError, match=message):
        landed_files(load_source("till"), DAY, landing())


@pytest.mark.parametrize("path", ["till/{date}.csv", "till/{date}*.csv"])
def test_credentials_that_the_store_refuses_are_said(store, shop, bucket, path):
    small_shop.configure(shop.parent, {"path": path})
    message = rf"s3://shop_files@{bucket}/landing/till/{DAY}.*refuses to list it .*check the connection's credentials"
    with store.strict(), pytest.raises(ConfigurationError, match=message):
        landed_files(load_source("till"), DAY, landing())


def test_a_store_that_does_not_answer_may_answer_the_next_try(shop, bucket, monkeypatch):
    config = {"connect_timeout": 1, "retries": {"max_attempts": 0}}
    away = {"endpoint_url": f"http://127.0.0.1:{free_port()}", "config_kwargs": config}
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    monkeypatch.setenv(
        "AIRFLOW_CONN_AWAY", json.dumps({"conn_type": "aws", "login": KEY, "password": SECRET, "extra": away})
    )
    monkeypatch.setenv("LANDING_DIR", f"s3://away@{bucket}/landing")
    with pytest.raises(Exception, match="Could not connect to the endpoint") as caught:
        landed_files(load_source("till"), DAY, landing())
    assert not isinstance(caught.value, ConfigurationError)
    assert f"while looking for s3://away@{bucket}/landing/till/{DAY}.csv" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("form", "content", "message"),
    [
        ("csv.gz", gzip.compress(b"time,type\n" * 50_000)[:-40], "the gzip stream is broken"),
        ("csv.gz", b"time,type\n", "the gzip stream is broken"),
        ("parquet", b"PAR1 and no more", "not read as Parquet"),
    ],
)
def test_a_broken_object_is_named_and_changes_nothing(store, shop, bucket, warehouse, form, content, message):
    describe(shop, form)
    store.put(bucket, f"landing/till/{DAY}-a.{form}", content)
    with pytest.raises(BadInputError, match=rf"s3://shop_files@{bucket}/landing/till/{DAY}-a.{form}: .*{message}"):
        ingest(warehouse, "till", DAY, DAY, landing=landing())


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
def test_an_object_that_is_replaced_while_it_is_read_is_read_again_by_the_next_try(
    store, shop, bucket, warehouse, monkeypatch, form
):
    describe(shop, form)
    land(shop, form)
    store.put_folder(shop, bucket, "landing")

    def replaced(path):
        opened = open_bytes(path)
        store.put(bucket, f"landing/{path.relative_to(root).as_posix()}", b"other")
        return opened

    root = landing()
    for module in ("blocks", "parquet"):
        monkeypatch.setattr(f"customer_behavior.ingest.{module}.open_bytes", replaced)
    with pytest.raises(OSError, match="no longer exists"):
        ingest(warehouse, "till", DAY, DAY, landing=root)


# --- its size -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "csv.gz"])
def test_an_object_is_read_in_bounded_memory(store, shop, bucket, monkeypatch, form):
    whole = b"time,type\n" + b"2024-03-05 10:00:00,purchase\n" * 1_500_000  # 43 MB
    name = f"till/{DAY}.{form}"
    store.put(bucket, f"landing/{name}", gzip.compress(whole, 0) if form == "csv.gz" else whole)
    monkeypatch.setattr(blocks, "READ_AHEAD", 1 << 20)
    path, read = landing() / name, 0
    with blocks.open_text(path) as file:
        tracemalloc.start()
        while piece := file.read(1 << 20):
            read += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert read == len(whole)
    assert peak < 16 << 20


# --- through Airflow ------------------------------------------------------------------------------------------------


def test_the_dag_loads_from_the_bucket_and_waits_for_nothing_by_hand(
    postgres, warehouse, store, shop, bucket, tmp_path
):
    describe(shop, "csv.gz")
    land(shop, "csv.gz")
    store.put_folder(shop, bucket, "landing")
    small = small_shop.configure(tmp_path, yaml.safe_load((tmp_path / "sources" / "till.yaml").read_text()))
    name = f"airflow_{bucket}".replace("-", "_")
    postgres.create_database(name)
    location = {"LANDING_DIR": f"s3://shop_files@{bucket}/landing", "AIRFLOW_CONN_SHOP_FILES": store.connection()}
    environment = airflow_environment(
        StackOptions(state_dir=tmp_path / "state", extra_env=small | location),
        keys.load(tmp_path / "state"),
        metadata_url=postgres.url(name),
        warehouse_url=warehouse.url.render_as_string(hide_password=False),
        api_port=free_port(),
        smtp_port=free_port(),
    )
    migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(migrate, env=environment, check=True, capture_output=True)
    days = {"from_date": str(DAY), "to_date": str(DAY)}
    steps = [
        ["ingest_events", f"{DAY}T00:00:00-05:00", {}],
        ["load_history", None, {"source": "till", **days}],
        ["ingest_events", f"{NEXT}T00:00:00-05:00", {}],
    ]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "run_chain.py")],
        input=json.dumps(steps), env=environment, text=True, capture_output=True, check=False,
    )  # fmt: skip
    postgres.drop_database(name)
    marked = [row for row in done.stdout.splitlines() if row.startswith("RESULTS ")]
    assert marked, done.stdout[-3000:] + done.stderr[-6000:]
    states = [state for _, state, _ in json.loads(marked[0].removeprefix("RESULTS "))]
    assert states == ["success", "success", "failed"], done.stdout[-6000:]
    assert f"no file at s3://shop_files@{bucket}/landing/till/{NEXT}-*.csv.gz" in done.stdout + done.stderr
    with warehouse.begin() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM raw.events")).scalar_one() == 8
