"""The files of the configuration folder, each understood once as long as its text stays the same."""

from dataclasses import dataclass

from customer_behavior.paths import config_dir
from customer_behavior.settings.base import ModelT, read_yaml
from customer_behavior.settings.features import Feature, Features
from customer_behavior.settings.operations import Actions, Monitoring, Retention
from customer_behavior.settings.shop import Shop, TargetKey
from customer_behavior.settings.targets import Targets


def _load(name: str, kind: type[ModelT]) -> ModelT:
    return read_yaml(config_dir() / f"{name}.yaml", kind)


@dataclass(frozen=True)
class Settings:
    """All configuration, as it was when it was read: at the door of a stage, which hands it down."""

    shop: Shop
    targets: Targets
    catalogue: Features
    """`features.yaml`: every column of features.customer_snapshot."""
    session_catalogue: Features
    """`session_features.yaml`: the columns of features.session_snapshot that models read."""
    actions: Actions
    monitoring: Monitoring
    retention: Retention

    def model_features(self, entity: str) -> dict[str, Feature]:
        """Return what models of customers or sessions read, numbers and categories, name to feature, in their order."""
        catalogue = self.catalogue if entity == "customer" else self.session_catalogue
        return {name: feature for name, feature in catalogue.columns.items() if feature.model}

    @property
    def features(self) -> dict[str, Feature]:
        """The numbers of a customer that models read, name to feature, in the order in which they read them."""
        return {name: feature for name, feature in self.model_features("customer").items() if feature.kind == "number"}

    @property
    def primary(self) -> TargetKey:
        """The target that marketing's table is about."""
        return self.shop.primary_target


def load_settings() -> Settings:
    """Return all files of the configuration folder.

    Raises
    ------
    ConfigurationError
        When a file is missing or says what the platform cannot use; the message names the file, the key and the finding.
    """
    return Settings(
        shop=load_shop(),
        targets=load_targets(),
        catalogue=_load("features", Features),
        session_catalogue=_load("session_features", Features),
        actions=_load("actions", Actions),
        monitoring=_load("monitoring", Monitoring),
        retention=_load("retention", Retention),
    )


def load_shop() -> Shop:
    """Return `shop.yaml`, for those who ask for nothing else: the plugin, and DAG files, which are read every half minute."""
    return _load("shop", Shop)


def load_targets() -> Targets:
    """Return `targets.yaml`, for DAG files."""
    return _load("targets", Targets)
