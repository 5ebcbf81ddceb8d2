"""The configuration files as frozen, validated objects; a wrong key or value is named with its file."""

from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, field_validator, model_validator

from customer_behavior.errors import ConfigurationError
from customer_behavior.paths import config_dir


class Settings(BaseModel):
    """Base of all configuration: unknown keys are errors, values do not change after they are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


SettingsT = TypeVar("SettingsT", bound=Settings)


class TargetKey(Settings):
    """A target and its horizon."""

    target: str
    horizon_days: int = Field(gt=0)

    def __str__(self) -> str:
        return f"{self.target}/{self.horizon_days}d"


class ExchangeRates(Settings):
    """Where rates of foreign currencies land, and how many days one serves after its own."""

    path: str
    max_age_days: int = Field(default=7, ge=0)


class Bots(Settings):
    """From when on a customer is taken for a machine: more of it on one day within 90."""

    max_events_per_day: int = Field(default=2_000, ge=1)
    max_orders_per_day: int = Field(default=100, ge=1)


class Shop(Settings):
    """The shop: its clock, its currency, its active sources, and who is told."""

    timezone: str
    currency: str = Field(pattern="^[A-Z]{3}$")
    exchange_rates: ExchangeRates | None = None
    primary_target: TargetKey
    sources: tuple[str, ...] = Field(min_length=1)
    dimensions: tuple[str, ...] = ()
    alert_to: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    bots: Bots = Bots()

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no IANA time zone; write it like America/New_York") from error
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone."""
        return ZoneInfo(self.timezone)


class Population(Settings):
    """Which customers a target is asked of: `include/sql/populations/<name>.sql`."""

    name: str
    days: int = Field(gt=0)


class MaxRows(Settings):
    """Rows that a training reads at most, by part; over them rows are sampled, with weights."""

    fit: int = Field(gt=0)
    tune: int = Field(gt=0)
    calibration: int = Field(gt=0)
    report: int = Field(gt=0)


class Tuning(Settings):
    """How the trees' recipe is looked for."""

    trials: int = Field(ge=0)
    timeout_seconds: float = Field(gt=0)
    max_rows: int = Field(gt=0)
    max_trees: int = Field(gt=0)
    early_stopping_trees: int = Field(gt=0)
    equal_loss: float = Field(ge=0)


class Gate(Settings):
    """What a challenger has to show to serve."""

    max_loss: float = Field(ge=0)
    minimum_segment_rows: int = Field(gt=0)
    approval: bool = False


class Contact(Settings):
    """What a contact costs and a sale brings, shop currency: whom it pays to contact."""

    cost: float = Field(ge=0)
    sale_value: float = Field(gt=0)


class Training(Settings):
    """How every target is trained."""

    seed: int
    step_days: int = Field(gt=0)
    fit_snapshots: int = Field(gt=0)
    tune_snapshots: int = Field(gt=0)
    calibration_snapshots: int = Field(gt=0)
    report_snapshots: int = Field(gt=0)
    max_rows: MaxRows
    minimum_rows: int = Field(gt=0)
    minimum_positives: int = Field(gt=0)
    bootstrap_samples: int = Field(gt=0)
    tuning: Tuning
    gate: Gate
    contact: Contact
    xgboost: dict[str, float | int]

    @model_validator(mode="after")
    def _enough_is_read(self) -> "Training":
        # A quarter of the rows that are read at least is of the rarer outcome, if there are that many.
        if self.max_rows.fit < max(self.minimum_rows, 4 * self.minimum_positives):
            raise ValueError(
                f"max_rows.fit {self.max_rows.fit} is less than minimum_rows {self.minimum_rows} or four times"
                f" minimum_positives {self.minimum_positives}: a large shop would always be served by a fallback"
            )
        return self

    @field_validator("xgboost")
    @classmethod
    def _has_trees(cls, value: dict[str, float | int]) -> dict[str, float | int]:
        missing = [name for name in ("n_estimators", "max_depth", "learning_rate") if name not in value]
        if missing:
            raise ValueError(f"{', '.join(missing)} missing: it is the recipe a first training starts from")
        return value


class Target(Settings):
    """A question about each customer or session, at each of its horizons.

    `label` names `include/sql/labels/<label>.sql`; `training` overrides what `training` of the file says.
    """

    meaning: str
    entity: Literal["customer", "session"] = "customer"
    kind: Literal["probability", "amount"] = "probability"
    horizons: tuple[int, ...] = Field(min_length=1)
    label: str | None = None
    population: Population | None = None
    monotone: dict[str, Literal[-1, 1]] = {}
    training: dict[str, Any] = {}

    @model_validator(mode="after")
    def _asks_somebody(self) -> "Target":
        if self.entity == "customer" and (self.label is None or self.population is None):
            raise ValueError("a target of customers needs a label and a population")
        if self.entity == "session" and (self.label, self.population, self.horizons) != (None, None, (1,)):
            raise ValueError(
                "a target of sessions has horizons [1], no label and no population: features.session_snapshot has both"
            )
        return self


class Scoring(Settings):
    """How customers are cut into buckets for scoring."""

    bucket_rows: int = Field(gt=0)


class Sessions(Settings):
    """How sessions are cut where a source names none, and after which of their events they are looked at."""

    silence_minutes: int = Field(gt=0, le=720)
    after_events: tuple[PositiveInt, ...] = Field(min_length=1)

    @field_validator("after_events")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError(f"{list(value)} has to ascend, each number once")
        return value


class Targets(Settings):
    """`targets.yaml`."""

    targets: dict[str, Target]
    training: Training
    scoring: Scoring
    sessions: Sessions

    @model_validator(mode="after")
    def _overrides_hold(self) -> "Targets":
        for name in self.targets:
            try:
                self.training_of(name)
            except ValidationError as error:
                raise ValueError(f"targets.{name}.training: {_findings(error)}") from error
        return self

    def training_of(self, target: str) -> Training:
        """Return how a target is trained: `training` of the file with the target's own values in place."""
        return Training.model_validate(_merged(self.training.model_dump(), self.targets[target].training))

    def scored_keys(self) -> list[TargetKey]:
        """Return the targets that are scored every night: those of customers."""
        return [key for key in self.target_keys() if self.targets[key.target].entity == "customer"]

    def judged_keys(self) -> list[TargetKey]:
        """Return the targets whose scores are held against what came true: probabilities of customers."""
        return [key for key in self.scored_keys() if self.targets[key.target].kind == "probability"]

    def target_keys(self) -> list[TargetKey]:
        """Return every target with each of its horizons, in the order of the file."""
        return [
            TargetKey(target=name, horizon_days=days)
            for name, target in self.targets.items()
            for days in target.horizons
        ]


class Range(Settings):
    """A closed interval; an end that is not given does not bound."""

    min: float | None = None
    max: float | None = None


class Action(Settings):
    """Something marketing may do, when, and how it is said."""

    action: str
    when: dict[str, Range]
    words: str


class Guardrails(Settings):
    """What keeps actions rare and measurable."""

    cooldown_days: int = Field(ge=0)
    holdout_share: float = Field(ge=0, lt=1)


class Recommendations(Settings):
    """How products are ranked."""

    products: int = Field(gt=0)
    half_life_days: float = Field(gt=0)
    window_days: int = Field(gt=0)


class Actions(Settings):
    """`actions.yaml`."""

    actions: tuple[Action, ...]
    guardrails: Guardrails
    recommendations: Recommendations


class Retention(Settings):
    """`retention.yaml`: how long rows are kept."""

    snapshots_days: int = Field(gt=0)
    sessions_days: int = Field(gt=0)
    checkpoints_months: int = Field(gt=0)
    scores_days: int = Field(gt=0)
    events_months: int = Field(gt=0)
    marketing_days: int = Field(gt=0)
    write_audit_days: int = Field(gt=0)


class DriftLimits(Settings):
    """When features count as drifted."""

    method: Literal["wasserstein", "jensenshannon", "psi"]
    threshold: float = Field(gt=0)
    limit_share: float = Field(gt=0, le=1)
    sample_rows: int = Field(gt=0)


class PerformanceLimits(Settings):
    """When matured scores raise an incident."""

    max_ece: float = Field(gt=0)


class ErrorLimits(Settings):
    """How segments that the model gets wrong are looked for."""

    max_depth: int = Field(gt=0)
    min_share: float = Field(gt=0, lt=1)
    max_clusters: int = Field(gt=0)


class Monitoring(Settings):
    """`monitoring.yaml`."""

    drift: DriftLimits
    performance: PerformanceLimits
    errors: ErrorLimits


class Feature(Settings):
    """A column of features.customer_snapshot, in words."""

    meaning: str
    unit: str
    phrase: str
    missing: str | None = None
    window_days: int | None = Field(default=None, gt=0)
    source: tuple[str, ...] = ()
    kind: Literal["number", "category"] = "number"
    model: bool = True

    @model_validator(mode="after")
    def _says_the_value(self) -> "Feature":
        examples = (1.0, 90.0) if self.kind == "number" else ("a", "b")
        try:
            one, other = (self.phrase.format(value=example) for example in examples)
        except (LookupError, ValueError) as error:
            raise ValueError(f"phrase {self.phrase!r} cannot be said of a {self.kind} ({error})") from error
        if one == other:
            raise ValueError(f"phrase {self.phrase!r} leaves out the value: write it like 'spent {{value:.2f}}'")
        return self


class Features(Settings):
    """`features.yaml`: the catalogue of features.customer_snapshot, family by family."""

    families: dict[str, dict[str, Feature]]

    @field_validator("families")
    @classmethod
    def _each_once(cls, value: dict[str, dict[str, Feature]]) -> dict[str, dict[str, Feature]]:
        names = [name for family in value.values() for name in family]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"in several families: {', '.join(twice)}")
        return value

    @property
    def columns(self) -> dict[str, Feature]:
        """Every column but the key, name to feature, in the order of the file."""
        return {name: feature for family in self.families.values() for name, feature in family.items()}


def read_yaml(path: Path, kind: type[SettingsT]) -> SettingsT:
    """Return a YAML file as a validated object.

    Raises
    ------
    ConfigurationError
        When the file is missing, is no YAML, or has a key or value that is not understood; every finding is named.
    """
    try:
        content: Any = yaml.safe_load(path.read_text())
        return kind.model_validate(content)
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path} is missing") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path} is no YAML: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {_findings(error)}") from error


def _findings(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())


def _merged(values: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return `values` with those of `over` in place, level by level."""
    return values | {
        name: _merged(values[name], value) if isinstance(value, dict) and isinstance(values.get(name), dict) else value
        for name, value in over.items()
    }


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
