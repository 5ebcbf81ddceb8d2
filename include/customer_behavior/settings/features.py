"""`features.yaml` and `session_features.yaml`."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from customer_behavior.settings.base import FrozenModel

AGGREGATED_COLUMNS = {"sum": 1, "max": 1, "newest": 2, "ratio": 2, "trend": 1}


class Feature(FrozenModel):
    """A column of features.customer_snapshot, in words."""

    meaning: str
    unit: str
    phrase: str
    missing: str | None = None
    window_days: int | None = Field(default=None, gt=0)
    source: tuple[str, ...] = ()
    aggregate: Literal["sum", "max", "newest", "ratio", "trend"] | None = None
    baseline_days: int | None = Field(default=None, gt=0)
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

    @model_validator(mode="after")
    def _can_be_aggregated(self) -> "Feature":
        if (self.baseline_days is not None) != (self.aggregate == "trend"):
            raise ValueError("baseline_days goes with aggregate: trend, and with no other")
        if self.aggregate is None:
            return self
        if self.window_days is None:
            raise ValueError(f"aggregate: {self.aggregate} needs window_days")
        columns = AGGREGATED_COLUMNS[self.aggregate]
        if len(self.source) != columns:
            raise ValueError(f"aggregate: {self.aggregate} needs {columns} columns as source, not {len(self.source)}")
        if (self.kind == "category") != (self.aggregate == "newest"):
            raise ValueError(f"aggregate: {self.aggregate} gives no {self.kind}")
        if self.baseline_days is not None and self.baseline_days <= self.window_days:
            raise ValueError("baseline_days has to be more than window_days")
        return self


class Features(FrozenModel):
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
