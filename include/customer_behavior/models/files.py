"""Models from files, whatever their kind, and the id that files give."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import xgboost as xgb

from customer_behavior.errors import CheckFailedError
from customer_behavior.models.base_rate import BaseRate
from customer_behavior.models.blend import Blend
from customer_behavior.models.classes import RfmClasses
from customer_behavior.models.linear import Linear
from customer_behavior.models.protocol import MODEL_FILE, Model
from customer_behavior.models.trees import BoostedTrees

ID_LENGTH = 20
KINDS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, bytes]], Model]] = {
    "xgboost": BoostedTrees.from_content,
    "linear": Linear.from_content,
    "blend": Blend.from_content,
    "rfm": lambda content, _: RfmClasses.from_json(content),
    "base_rate": BaseRate.from_content,
}


def model_id(files: Mapping[str, bytes]) -> str:
    """Return the model's id, a hash of its files: the same files, the same id."""
    listing = "".join(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n" for name in sorted(files))
    return hashlib.sha256(listing.encode()).hexdigest()[:ID_LENGTH]


def from_files(files: Mapping[str, bytes]) -> Model:
    """Return the model that `files` hold; `files()` of it returns them again.

    Raises
    ------
    CheckFailedError
        When they hold no model this version can read.
    """
    try:
        content = json.loads(files[MODEL_FILE])
        if content["kind"] not in KINDS:
            raise CheckFailedError(f"{MODEL_FILE} is of kind {content['kind']!r}, which this version cannot read")
        return KINDS[content["kind"]](content, files)
    except (AttributeError, KeyError, TypeError, ValueError, xgb.core.XGBoostError) as error:
        raise CheckFailedError(f"the model's files cannot be read: {type(error).__name__}: {error}") from error
