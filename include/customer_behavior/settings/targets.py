"""`targets.yaml`."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from customer_behavior.paths import SQL_DIR
from customer_behavior.settings.base import FrozenModel, findings, merged
from customer_behavior.settings.shop import TargetKey


def _has_statement(name: str, info: ValidationInfo) -> str:
    folder = {"label": "targets/labels", "name": "targets/populations"}[str(info.field_name)]
    known = sorted(path.stem for path in (SQL_DIR / folder).glob("*.sql"))
    if name not in known:
        raise ValueError(f"there is no include/sql/{folder}/{name}.sql, only {', '.join(known)}")
    return name


StatementName = Annotated[str, AfterValidator(_has_statement)]


class Population(FrozenModel):
    """Which customers a target is asked of: `include/sql/targets/populations/<name>.sql`."""

    name: StatementName
    days: int = Field(gt=0)


class MaxRows(FrozenModel):
    """Rows that a training reads at most, by part; over them rows are sampled, with weights."""

    fit: int = Field(gt=0)
    tune: int = Field(gt=0)
    calibration: int = Field(gt=0)
    test: int = Field(gt=0)


class Tuning(FrozenModel):
    """How the trees' hyperparameters are looked for."""

    trials: int = Field(ge=0)
    timeout_seconds: float = Field(gt=0)
    max_rows: int = Field(gt=0)
    max_trees: int = Field(gt=0)
    early_stopping_trees: int = Field(gt=0)
    every_days: int = Field(gt=0)


class Gate(FrozenModel):
    """What a challenger has to show to serve; `max_loss` is a share of the champion's own loss, so that it has no unit."""

    max_loss: float = Field(ge=0, le=1)
    minimum_segment_rows: int = Field(gt=0)
    approval: bool = False


class Contact(FrozenModel):
    """What a contact costs and a sale brings, shop currency: whom it pays to contact."""

    cost: float = Field(ge=0)
    sale_value: float = Field(gt=0)


class Training(FrozenModel):
    """How every target is trained."""

    seed: int
    step_days: int = Field(gt=0)
    fit_snapshots: int = Field(gt=0)
    tune_snapshots: int = Field(gt=0)
    calibration_snapshots: int = Field(gt=0)
    test_snapshots: int = Field(gt=0)
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
            raise ValueError(f"{', '.join(missing)} missing: a first training starts from these hyperparameters")
        return value


class Target(FrozenModel):
    """A question about each customer or session, at each of its horizons.

    `label` names `include/sql/targets/labels/<label>.sql`; `training` overrides what `training` of the file says.
    """

    meaning: str
    entity: Literal["customer", "session"] = "customer"
    kind: Literal["probability", "amount"] = "probability"
    horizons: tuple[int, ...] = Field(min_length=1)
    label: StatementName | None = None
    population: Population | None = None
    monotone: dict[str, Literal[-1, 1]] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _asks_somebody(self) -> "Target":
        if self.entity == "customer" and (self.label is None or self.population is None):
            raise ValueError("a target of customers needs a label and a population")
        if self.entity == "session" and (self.label, self.population, self.horizons) != (None, None, (1,)):
            raise ValueError(
                "a target of sessions has horizons [1], no label and no population: features.session_snapshot has both"
            )
        return self


class Scoring(FrozenModel):
    """How customers are cut into buckets for scoring."""

    bucket_rows: int = Field(gt=0)


class Sessions(FrozenModel):
    """How sessions are cut where a source names none, and after which of their events they are looked at."""

    silence_minutes: int = Field(gt=0, le=720)
    after_events: tuple[PositiveInt, ...] = Field(min_length=1)

    @field_validator("after_events")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError(f"{list(value)} has to ascend, each number once")
        return value


class Targets(FrozenModel):
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
                raise ValueError(f"targets.{name}.training: {findings(error)}") from error
        return self

    def training_of(self, target: str) -> Training:
        """Return how a target is trained: `training` of the file with the target's own values in place."""
        return Training.model_validate(merged(self.training.model_dump(), self.targets[target].training))

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
