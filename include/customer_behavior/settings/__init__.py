"""The configuration files as frozen, validated objects; a wrong key or value is named with its file."""

from customer_behavior.settings.base import FrozenModel, Timezone, read_yaml
from customer_behavior.settings.features import Feature, Features
from customer_behavior.settings.files import Settings, load_settings, load_shop, load_targets
from customer_behavior.settings.operations import (
    Action,
    Actions,
    DriftLimits,
    ErrorLimits,
    Guardrails,
    Monitoring,
    PerformanceLimits,
    Range,
    Recommendations,
    Retention,
)
from customer_behavior.settings.shop import Bots, ExchangeRates, Shop, TargetKey
from customer_behavior.settings.targets import (
    Contact,
    Gate,
    MaxRows,
    Population,
    Scoring,
    Sessions,
    Target,
    Targets,
    Training,
    Tuning,
)

__all__ = [
    "Action",
    "Actions",
    "Bots",
    "Contact",
    "DriftLimits",
    "ErrorLimits",
    "ExchangeRates",
    "Feature",
    "Features",
    "FrozenModel",
    "Gate",
    "Guardrails",
    "MaxRows",
    "Monitoring",
    "PerformanceLimits",
    "Population",
    "Range",
    "Recommendations",
    "Retention",
    "Scoring",
    "Sessions",
    "Settings",
    "Shop",
    "Target",
    "TargetKey",
    "Targets",
    "Timezone",
    "Training",
    "Tuning",
    "load_settings",
    "load_shop",
    "load_targets",
    "read_yaml",
]
