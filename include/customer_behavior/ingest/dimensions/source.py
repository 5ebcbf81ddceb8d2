"""A dimension's YAML file: where its files land and what their columns mean."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from customer_behavior.errors import ConfigurationError
from customer_behavior.paths import dimensions_dir
from customer_behavior.settings import FrozenModel, read_yaml

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
WORDS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "on"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "off"), False),
}
"""What a yes-or-no column may say without being told in `values`; any other word of a consent counts as no."""
TABLES = {"products": "raw.product_versions", "customers": "raw.customer_versions", "contacts": "raw.contacts"}


class _DimensionFile(FrozenModel):
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
    constants: dict[str, str] = Field(default_factory=dict)
    on_missing: Literal["fail", "empty"] = "empty"
    reject_limit: float = Field(default=0.05, ge=0, le=1)

    @field_validator("path")
    @classmethod
    def _dated_path(cls, value: str) -> str:
        if "{date}" not in value:
            raise ValueError("must contain {date}, the batch's date as YYYY-MM-DD, so that a batch finds its files")
        return value

    @field_validator("values", "constants", mode="before")
    @classmethod
    def _as_words(cls, value: Any) -> Any:
        """YAML reads `yes` and `no` as truths and `1` as a number; in a file of words they are words."""
        if not isinstance(value, dict):
            return value
        return {name: _words(theirs) if isinstance(theirs, dict) else _word(theirs) for name, theirs in value.items()}

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
        for name in self.constants:
            if name not in known or name in self.columns or name in KEYS[self.kind]:
                raise ValueError(f"constants.{name}: it is no column of {self.kind}, part of the key, or among columns")
        for name, kind in known.items():
            if kind == "BOOLEAN" and folded(self.constants.get(name, "")) not in {"", *self.truths(name)}:
                raise ValueError(f"constants.{name}: {self.constants[name]!r} is neither true nor false")
        return self

    def truths(self, name: str) -> dict[str, bool | None]:
        """Return what the words of a yes-or-no column mean, in lower case with single spaces; None: it says nothing."""
        meanings: dict[str, bool | None] = {}
        for theirs, ours in self.values.get(name, {}).items():
            word, meaning = folded(theirs), folded(ours)
            if meaning and meaning not in WORDS:
                raise ValueError(
                    f"values.{name}.{theirs}: {ours!r} is neither true nor false, nor empty for nothing said"
                )
            if meanings.setdefault(word, WORDS.get(meaning)) is not WORDS.get(meaning):
                raise ValueError(f"values.{name}: {word!r} is given two meanings; case and spaces make no difference")
        return WORDS | meanings


def folded(text: str) -> str:
    """Return a word as words are compared: lower case, single spaces, none around it."""
    return " ".join(text.lower().split())


def _word(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _words(values: dict[Any, Any]) -> dict[str, Any]:
    """`yes`, `on` and `true` without quotes are one key in YAML, so that key means them all."""
    words: dict[str, Any] = {}
    for theirs, ours in values.items():
        same = [word for word, truth in WORDS.items() if truth is theirs and len(word) > 1] or [_word(theirs)]
        words.update(dict.fromkeys(same, _word(ours)))
    return words


class Dimension(_DimensionFile):
    """One delivery of products, customers or contacts."""

    name: str

    @property
    def table(self) -> str:
        """The table it fills."""
        return TABLES[self.kind]

    @property
    def has_consent(self) -> bool:
        """Whether it says who may be contacted."""
        return self.kind == "customers" and ("consent" in self.columns or "consent" in self.constants)


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
