"""A dimension's YAML file: where its files land and what their columns mean."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from customer_behavior.errors import ConfigurationError
from customer_behavior.paths import dimensions_dir
from customer_behavior.settings import Settings, read_yaml

Kind = Literal["products", "customers", "contacts"]

# Our columns of each kind and their types in DuckDB; the key first.
COLUMNS: dict[str, dict[str, str]] = {
    "products": {
        "product_id": "VARCHAR", "price": "DECIMAL(24, 10)", "cost": "DECIMAL(24, 10)", "category": "VARCHAR",
        "brand": "VARCHAR", "stock": "DECIMAL(24, 10)",
    },
    "customers": {"customer_id": "VARCHAR", "consent": "BOOLEAN", "country": "VARCHAR"},
    "contacts": {
        "customer_id": "VARCHAR", "contacted_at": "TIMESTAMPTZ", "action": "VARCHAR", "channel": "VARCHAR", "holdout": "BOOLEAN",
    },
}  # fmt: skip
KEYS = {
    "products": ("product_id",),
    "customers": ("customer_id",),
    "contacts": ("customer_id", "contacted_at", "action"),
}
TABLES = {"products": "raw.product_versions", "customers": "raw.customer_versions", "contacts": "raw.contacts"}


class _DimensionFile(Settings):
    """As written in YAML: the name is the file's."""

    description: str
    kind: Kind
    path: str
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    timezone: str = "UTC"
    decimal: Literal[".", ","] | None = None
    no_ids: tuple[str, ...] = ()
    are_ids: tuple[str, ...] = ()
    columns: dict[str, str]
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    on_missing: Literal["fail", "empty"] = "empty"
    reject_limit: float = Field(default=0.05, ge=0, le=1)

    @field_validator("path")
    @classmethod
    def _dated_path(cls, value: str) -> str:
        if "{date}" not in value:
            raise ValueError("must contain {date}, the batch's date as YYYY-MM-DD, so that a batch finds its files")
        return value

    @model_validator(mode="after")
    def _known_columns(self) -> "_DimensionFile":
        known = COLUMNS[self.kind]
        for name in self.columns:
            if name not in known:
                raise ValueError(f"{name!r} is no column of {self.kind}; those are {', '.join(known)}")
        for name in KEYS[self.kind]:
            if name not in self.columns:
                raise ValueError(f"columns.{name} is missing: it is part of the key of {self.kind}")
        for name in self.values:
            if name not in self.columns:
                raise ValueError(f"values.{name}: columns has no {name}")
        return self


class Dimension(_DimensionFile):
    """One delivery of products, customers or contacts."""

    name: str

    @property
    def table(self) -> str:
        """The table it fills."""
        return TABLES[self.kind]


def load_dimension(name: str) -> Dimension:
    """Return `include/dimensions/<name>.yaml`.

    Raises
    ------
    ConfigurationError
        When there is no such file (the message lists those there are) or a key in it is not understood.
    """
    path = dimensions_dir() / f"{name}.yaml"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in dimensions_dir().glob("*.yaml"))) or "none"
        raise ConfigurationError(f"there is no dimension {name!r}: {path} is missing; dimensions are {known}")
    return Dimension(name=name, **read_yaml(path, _DimensionFile).model_dump())
