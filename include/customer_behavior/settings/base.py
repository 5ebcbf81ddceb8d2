"""Configuration as frozen, validated objects; a wrong key or value is named with its file."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from customer_behavior.errors import ConfigurationError


class FrozenModel(BaseModel):
    """Base of all configuration: unknown keys are errors, values do not change after they are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{value!r} is no IANA time zone; write it like UTC or America/New_York") from error
    return value


Timezone = Annotated[str, AfterValidator(_known_timezone)]
"""The name of an IANA time zone."""


ModelT = TypeVar("ModelT", bound=FrozenModel)


def read_yaml(path: Path, kind: type[ModelT]) -> ModelT:
    """Return a YAML file as a validated object.

    Raises
    ------
    ConfigurationError
        When the file is missing, is no YAML, or has a key or value that is not understood; every finding is named.
    """
    try:
        return _parsed(path.read_text(), kind)
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path} is missing") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path} is no YAML: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {findings(error)}") from error


@lru_cache(maxsize=64)
def _parsed(text: str, kind: type[ModelT]) -> ModelT:
    content: Any = yaml.load(text, Loader=yaml.CSafeLoader)
    return kind.model_validate(content)


def findings(error: ValidationError) -> str:
    """Return what pydantic found, each with its place, in one sentence."""
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())


def merged(values: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return `values` with those of `over` in place, level by level."""
    return values | {
        name: merged(values[name], value) if isinstance(value, dict) and isinstance(values.get(name), dict) else value
        for name, value in over.items()
    }
