"""The files of the configuration folder, read once and again when they change."""

from functools import cache
from pathlib import Path

from customer_behavior.paths import config_dir
from customer_behavior.settings.base import SettingsT, read_yaml
from customer_behavior.settings.features import Feature, Features
from customer_behavior.settings.operations import Actions, Monitoring, Retention
from customer_behavior.settings.shop import Shop
from customer_behavior.settings.targets import Targets


@cache
def _cached(path: Path, kind: type[SettingsT], _mtime: float) -> SettingsT:
    return read_yaml(path, kind)


def _load(name: str, kind: type[SettingsT]) -> SettingsT:
    path = config_dir() / f"{name}.yaml"
    return _cached(path, kind, path.stat().st_mtime if path.exists() else 0.0)


def load_shop() -> Shop:
    """Return `shop.yaml`."""
    return _load("shop", Shop)


def load_targets() -> Targets:
    """Return `targets.yaml`."""
    return _load("targets", Targets)


def load_actions() -> Actions:
    """Return `actions.yaml`."""
    return _load("actions", Actions)


def load_retention() -> Retention:
    """Return `retention.yaml`."""
    return _load("retention", Retention)


def load_monitoring() -> Monitoring:
    """Return `monitoring.yaml`."""
    return _load("monitoring", Monitoring)


def load_catalogue() -> Features:
    """Return `features.yaml`: every column of features.customer_snapshot."""
    return _load("features", Features)


def load_session_catalogue() -> Features:
    """Return `session_features.yaml`: the columns of features.session_snapshot that models read."""
    return _load("session_features", Features)


def load_features() -> dict[str, Feature]:
    """Return the numbers of a customer that models read, name to feature, in the order in which they read them."""
    return {name: feature for name, feature in load_model_features("customer").items() if feature.kind == "number"}


def load_model_features(entity: str) -> dict[str, Feature]:
    """Return what models of customers or sessions read, numbers and categories, name to feature, in their order."""
    catalogue = load_catalogue() if entity == "customer" else load_session_catalogue()
    return {name: feature for name, feature in catalogue.columns.items() if feature.model}
