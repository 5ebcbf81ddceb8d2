"""The alias ``champion``: which version serves, as ``models.promotions`` has it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from customer_behavior.tracking import server
from customer_behavior.tracking.record import registered_name
from customer_behavior.tracking.runs import OURS, version_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import RegisteredModel

CHAMPION = "champion"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mirrored:
    """What came of a mirroring.

    Attributes
    ----------
    aliases : the version that ``champion`` names, by registered model.
    removed : the registered models that lost the alias.
    missing : the champions that MLflow has no version of, as (target, horizon in days) and model id: log them, then mirror again.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    missing: Mapping[tuple[str, int], str] = field(default_factory=dict)


def mirror_champions(champions: Mapping[tuple[str, int], str]) -> Mirrored | None:
    """Point the alias ``champion`` of each registered model at the version that serves; None where no server is named.

    ``champions`` is complete: one model id for each (target, horizon in days) that has one. A registered model of the platform that is not
    among them loses the alias, and so does one whose champion MLflow does not have: an alias that names another version would
    be untrue.

    Raises
    ------
    TrackingError
        The server does not answer, or refuses.
    """
    if server.address() is None:
        logger.info("%s is not set: the champions are not told to MLflow", server.ADDRESS)
        return None
    with server.asking("Mirroring the champions") as client:
        registered = {model.name: model for model in _registered(client)}
        versions: dict[str, str] = {}
        missing: dict[tuple[str, int], str] = {}
        for (target, horizon_days), model_id in champions.items():
            name = registered_name(target, horizon_days)
            version = version_of(client, name, model_id)
            if version is None:
                missing[target, horizon_days] = model_id
            else:
                versions[name] = version
                client.set_registered_model_alias(name, CHAMPION, version)
        stale = [name for name, model in registered.items() if CHAMPION in model.aliases and name not in versions]
        for name in stale:
            client.delete_registered_model_alias(name, CHAMPION)
    return Mirrored(versions, tuple(stale), missing)


def _registered(client: MlflowClient) -> list[RegisteredModel]:
    """The registered models that the platform made; others on a shared server are not touched."""
    ((key, value),) = OURS.items()
    found: list[RegisteredModel] = []
    token: str | None = ""
    while token is not None:
        page = client.search_registered_models(f"tags.{key} = '{value}'", page_token=token or None)
        found.extend(page)
        token = page.token or None
    return found
