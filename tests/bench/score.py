"""Scoring with reasons against bare contributions, its memory against the number of buckets, and its writing against a bare COPY."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
import xgboost as xgb
import yaml
from pyarrow import csv

from bench import snapshot as shops
from bench.measure import Figure, Machine, median_seconds
from customer_behavior.features import snapshot
from customer_behavior.models import BoostedTrees, Model, matrix, model_id, promotions
from customer_behavior.models.calibration import Platt
from customer_behavior.models.promotions import serving_models
from customer_behavior.paths import REPO_DIR, config_dir
from customer_behavior.scoring.bucket import stage
from customer_behavior.scoring.reading import read_bucket
from customer_behavior.settings import load_settings, load_shop, load_targets
from customer_behavior.stages import score_customers
from customer_behavior.warehouse import Warehouse

RUN = "scheduled__2024-03-30T00:00:00+00:00"


def speed(machine: Machine) -> Figure:
    """Customers per second from the snapshot to models.scores, against `pred_contribs` alone on the same matrix in memory."""
    warehouse, as_of, model = _scored_shop(machine)
    with warehouse.begin("score") as connection:
        [one] = serving_models(connection, load_settings(), as_of)
        rows = read_bucket(connection, as_of, 0, 1, [one.population], model.features).of(one.population, model.features)
    data = xgb.DMatrix(matrix(rows.to_pandas(), model.features), feature_names=list(model.features))
    ours, bare = [], []
    for _ in range(machine.sizes.rounds):  # in turns, so that both meet the same machine
        bare.append(median_seconds(lambda: model.booster.predict(data, pred_contribs=True), 1))
        ours.append(median_seconds(lambda: score_all(warehouse, as_of), 1))
    count = len(rows)
    trees = f"bare contributions of {model.booster.num_boosted_rounds()} trees"
    return Figure(
        "score", count / statistics.median(ours), "rows/s", trees, count / statistics.median(bare), "at least 0.85"
    )


def memory(machine: Machine) -> Figure:
    """Peak memory of a process that scores all buckets of 10,000 customers, one after the other, against one that scores one."""
    warehouse, as_of, _ = _scored_shop(machine)
    count = machine.sizes.buckets
    script = (
        "import sys; from datetime import date; from customer_behavior.stages import score_customers;"
        " from customer_behavior.warehouse import Warehouse; warehouse, day = Warehouse(sys.argv[1]), date.fromisoformat(sys.argv[2]);"
        " [score_customers.score_bucket(warehouse, day, bucket=n, buckets=int(sys.argv[4]), run_token='memory', run_id=None)"
        " for n in range(int(sys.argv[3]))];"
        " print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    url = warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    peaks = {}
    for buckets in (1, count):
        command = [sys.executable, "-c", script, url, str(as_of), str(buckets), str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPO_DIR)
        peaks[buckets] = int(done.stdout) / 1024
    return Figure("score_memory", peaks[count], "MiB", "the peak of one bucket", peaks[1], "at most 1.2")


def write(machine: Machine) -> Figure:
    """Score rows per second through staging and publication, against a COPY of the same rows into a table without a key."""
    warehouse, written = machine.warehouse(), machine.sizes.written
    as_of = date(2024, 3, 31)
    _population(warehouse, as_of, written)
    target = load_shop().primary_target
    with warehouse.begin() as connection:
        promotions.promote(
            connection,
            target.target,
            target.horizon_days,
            "bench",
            as_of - timedelta(days=1),
            reason="-",
            actor="bench",
        )
    buckets = -(-written // load_targets().scoring.bucket_rows)
    parts = _scores(warehouse, buckets)
    ours, bare = [], []
    for _ in range(machine.sizes.rounds):
        bare.append(_bare_copy(warehouse, pa.concat_tables(parts), as_of))
        ours.append(median_seconds(lambda: _stage_and_publish(warehouse, as_of, parts), 1))
        with warehouse.begin() as connection:  # each night publishes a date that was not there
            connection.execute(sa.text("TRUNCATE models.score_staging; DROP TABLE models.scores_20240331"))
    machine.drop(warehouse)
    return Figure(
        "score_write",
        written / statistics.median(ours),
        "rows/s",
        "bare COPY",
        written / statistics.median(bare),
        "at least 0.5",
    )


def score_all(warehouse: Warehouse, as_of: date) -> None:
    """Score a date's customers as `score_customers` does: as many buckets at a time as there are cores."""
    buckets = score_customers.plan_buckets(warehouse, as_of)

    def one(bucket: int) -> None:
        score_customers.score_bucket(warehouse, as_of, bucket=bucket, buckets=len(buckets), run_token=RUN, run_id=None)

    at_a_time(one, buckets)
    score_customers.publish_scores(warehouse, as_of, run_token=RUN, buckets=len(buckets), run_id=None)


def at_a_time(work: Callable[..., None], *arguments: Iterable[Any]) -> None:
    """Do the work as Airflow does its mapped tasks, one a core at a time; there in processes, here in threads."""
    with ThreadPoolExecutor(os.cpu_count()) as tasks:
        list(tasks.map(work, *arguments))


def _scored_shop(machine: Machine) -> tuple[Warehouse, date, BoostedTrees]:
    """Return the large shop with the snapshot of its date, and a model promoted before, fitted with the product's settings."""
    warehouse, as_of = shops.shop(machine)
    _ask_everyone(machine)
    if not hasattr(machine, "scored_shop"):
        for day in (as_of - timedelta(days=7), as_of):
            snapshot.build(warehouse, load_settings(), day)
        model = _fitted(warehouse, as_of)
        serve(warehouse, model, as_of - timedelta(days=1))
        machine.scored_shop = warehouse, as_of, model  # type: ignore[attr-defined]
    return machine.scored_shop  # type: ignore[attr-defined]


def _ask_everyone(machine: Machine) -> None:
    """Let the primary target be asked of every customer seen within 90 days: most of the shop's have not bought lately."""
    folder = machine.folder / "everyone"
    shutil.copytree(config_dir(), folder, dirs_exist_ok=True)
    path = folder / "targets.yaml"
    targets = yaml.safe_load(path.read_text())
    purchase = {**targets["targets"]["purchase"], "population": {"name": "seen_within", "days": 90}}
    path.write_text(yaml.safe_dump({**targets, "targets": {"purchase": purchase}}))
    os.environ["CUSTOMER_BEHAVIOR_CONFIG"] = str(folder)


def _fitted(warehouse: Warehouse, as_of: date) -> BoostedTrees:
    """Fit trees with the product's settings to who of the customers of a week before bought since."""
    population = load_targets().targets[load_shop().primary_target.target].population
    assert population is not None
    features = tuple(name for name, feature in load_settings().features.items() if feature.kind == "number")
    with warehouse.begin("score") as connection:
        before, after = (
            read_bucket(connection, day, 0, 1, [population], features).of(population, features).to_pandas()
            for day in (as_of - timedelta(days=7), as_of)
        )
    bought = after.loc[after["purchase_days_7d"] > 0, "customer_id"]
    parameters = dict(load_targets().training.xgboost)
    trees = int(parameters.pop("n_estimators"))
    fixed = {"objective": "binary:logistic", "tree_method": "hist", "nthread": os.cpu_count()}
    label = before["customer_id"].isin(bought)
    data = xgb.QuantileDMatrix(matrix(before, features), label=label, feature_names=list(features))
    return BoostedTrees(features, xgb.train({**parameters, **fixed}, data, trees), Platt(1.0, 0.0))


def serve(warehouse: Warehouse, model: Model, effective_as_of: date) -> None:
    """Register a model's files and let it serve the primary target."""
    target, files = load_shop().primary_target, model.files()
    name = model_id(files)
    insert = (
        "INSERT INTO models.model_files (model_id, name, content, sha256) VALUES (:model_id, :name, :content, :sha256)"
    )
    with warehouse.begin() as connection:
        for file, content in files.items():
            digest = hashlib.sha256(content).hexdigest()
            row = {"model_id": name, "name": file, "content": content, "sha256": digest}
            connection.execute(sa.text(insert), row)
        promotions.promote(
            connection, target.target, target.horizon_days, name, effective_as_of, reason="-", actor="bench"
        )


def _population(warehouse: Warehouse, as_of: date, rows: int) -> None:
    """Write a snapshot of so many customers, who have all bought."""
    with warehouse.begin() as connection:
        connection.execute(
            sa.text("SELECT raw.ensure_partitions('features.customer_snapshot', :day, :day, 'day')"), {"day": as_of}
        )
        connection.execute(
            sa.text(
                "INSERT INTO features.customer_snapshot (as_of_date, customer_id, days_since_event, days_since_purchase,"
                " tenure_days, purchase_days_7d, purchase_days_28d, purchase_days_90d, orders_lifetime, revenue_lifetime)"
                " SELECT :day, 'u' || lpad(cast(number AS text), 8, '0'), 1, 1, 1, 1, 1, 1, 1, 1"
                " FROM generate_series(1, :rows) AS number"
            ),
            {"day": as_of, "rows": rows},
        )
    shops.analyze(warehouse)


def _scores(warehouse: Warehouse, buckets: int) -> list[pa.Table]:
    """Return scores with three reasons each for every customer, bucket by bucket."""
    random = np.random.default_rng(1)
    bucket = "mod(mod(hashtextextended(customer_id, 0), :buckets) + :buckets, :buckets)"
    query = sa.text(f"SELECT array_agg(customer_id ORDER BY customer_id) FROM features.customer_snapshot GROUP BY {bucket}"
                    f" ORDER BY {bucket}")  # fmt: skip
    with warehouse.begin() as connection:
        customers = connection.execute(query, {"buckets": buckets}).scalars().all()
    parts = []
    for names in customers:
        count = len(names)
        reasons = [
            ", ".join(
                f'{{"feature": "purchase_days_{value % 90}d", "value": {value}, "effect": {effect:.4f}, '
                f'"words": "bought on {value} of the last 90 days: raises"}}'
                for value, effect in zip(values, effects, strict=True)
            )
            for values, effects in zip(
                random.integers(0, 90, (count, 3)).tolist(), random.random((count, 3)).tolist(), strict=True
            )
        ]
        parts.append(
            pa.table(
                {
                    "customer_id": names,
                    "probability": random.random(count),
                    "amount": pa.nulls(count, pa.float64()),
                    "reasons": [f"[{text}]" for text in reasons],
                }
            )
        )
    return parts


def _stage_and_publish(warehouse: Warehouse, as_of: date, parts: list[pa.Table]) -> None:
    def stage_part(bucket: int, scores: pa.Table) -> None:
        with warehouse.begin("score") as connection:
            [one] = serving_models(connection, load_settings(), as_of)
            stage(connection, scores, one, as_of, bucket, RUN)

    at_a_time(stage_part, range(len(parts)), parts)
    score_customers.publish_scores(warehouse, as_of, run_token=RUN, buckets=len(parts), run_id=None)


def _bare_copy(warehouse: Warehouse, scores: pa.Table, as_of: date) -> float:
    """Return the seconds of a COPY, as text, of the rows as models.scores has them."""
    same = {
        "as_of_date": as_of,
        "target": "purchase",
        "horizon_days": 7,
        "percentile": 50.5,
        "decile": 5,
        "model_id": "bench",
    }
    for name, value in same.items():
        scores = scores.append_column(name, pa.repeat(value, len(scores)))
    content = io.BytesIO()
    csv.write_csv(scores, content, csv.WriteOptions(include_header=False))
    content.seek(0)
    command = f"COPY bare ({', '.join(scores.column_names)}) FROM STDIN WITH (FORMAT csv)"

    def copy() -> None:
        with warehouse.begin() as connection:
            connection.connection.cursor().copy_expert(command, content, 1 << 20)

    return _in_table(warehouse, copy)


def _in_table(warehouse: Warehouse, work: Callable[[], None]) -> float:
    with warehouse.begin() as connection:
        connection.execute(sa.text("CREATE TABLE bare (LIKE models.scores INCLUDING DEFAULTS)"))
    try:
        return median_seconds(work, 1)
    finally:
        with warehouse.begin() as connection:
            connection.execute(sa.text("DROP TABLE bare"))
