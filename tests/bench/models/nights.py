"""Training on past mornings of a shop, through the nightly run's own steps, and what each contender then said."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from bench.measure import Machine
from bench.models.baselines import said_by_bg_nbd, said_by_lightgbm
from bench.models.judge import BG_NBD, IDENTITY, LIGHTGBM
from bench.models.shops import Shop
from customer_behavior.asof import ONE_DAY
from customer_behavior.evaluation.evaluation import MODEL
from customer_behavior.features import snapshot
from customer_behavior.features.ledger import first_event_day
from customer_behavior.names import Role
from customer_behavior.settings import load_settings, load_targets
from customer_behavior.stages.ingest_events import ingest
from customer_behavior.targets.cutoffs import plan_cutoffs
from customer_behavior.targets.dataset import read_dataset, read_rows
from customer_behavior.targets.outcome import OUTCOMES
from customer_behavior.training.contenders import BLEND, TREES, contender_names
from customer_behavior.training.core import Trained, train
from customer_behavior.training.question import Question
from customer_behavior.warehouse import Warehouse

BASELINES = [name for name in contender_names(OUTCOMES["probability"]) if name not in (TREES, BLEND)]


def land(machine: Machine, shop: Shop) -> Path:
    """Make the shop the one of this process, and return the folder that its files are in."""
    folder = machine.folder / shop.name
    shop.use(folder)
    shop.land(folder)
    return folder


def load(machine: Machine, shop: Shop, folder: Path, first_batch: date) -> Warehouse:
    """Return a warehouse with the shop's days from the first batch on in it."""
    warehouse = machine.warehouse()
    ingest(warehouse, shop.source, first_batch, shop.last_batch, landing=folder)
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
    return warehouse


def morning(warehouse: Warehouse, shop: Shop, as_of: date) -> pd.DataFrame:
    """Return the customers of the morning `as_of`: customer_id, as_of_date, label, and a column of probabilities per contender.

    Everything is trained on what was known at `as_of`; labels are as known when all of the shop's days were.
    """
    trained = _trained(warehouse, shop, as_of)
    target = load_targets().targets[shop.key.target]
    features = load_settings().model_features(target.entity)
    snapshot.build(warehouse, load_settings(), as_of, only_if_missing=True)
    with warehouse.begin("train") as connection:
        rows = read_rows(connection, target, shop.key.horizon_days, as_of, shop.last_batch + ONE_DAY, features)
        repeats = {} if shop.control else {BG_NBD: said_by_bg_nbd(connection, rows, as_of, shop.key.horizon_days)}
    served = {name: model for name, model in trained.served.items() if name in BASELINES and trained.contenders}
    said = {name: model.predict(rows) for name, model in {MODEL: trained.model, **served}.items()}
    every = trained.data.every
    others = (
        {LIGHTGBM: said_by_lightgbm(every, rows, trained.question.features)} if every["label"].nunique() > 1 else {}
    )
    return rows[list(IDENTITY)].assign(**said, **repeats, **others)


def _trained(warehouse: Warehouse, shop: Shop, as_of: date) -> Trained:
    """Return what would be served, and our own baselines, all fitted on every date whose outcome was known.

    The one place that knows how a night trains.
    """
    targets, key = load_targets(), shop.key
    target, settings = targets.targets[key.target], targets.training_of(key.target)
    catalogue = load_settings().model_features(target.entity)
    question = Question(key, tuple(catalogue), target.kind, target.monotone, catalogue)
    with warehouse.begin("train") as connection:
        first = first_event_day(connection, as_of)
    assert first is not None
    cutoffs = plan_cutoffs(first, as_of, key.horizon_days, settings)
    for day in cutoffs.all():
        snapshot.build(warehouse, load_settings(), day, role=Role.TRAIN, only_if_missing=True)
    with warehouse.begin("train") as connection:
        data = read_dataset(connection, target, key, cutoffs, as_of, catalogue, settings)
    return train(data, cutoffs, question, as_of, settings, also=BASELINES)
