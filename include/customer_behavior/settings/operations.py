"""`actions.yaml`, `retention.yaml` and `monitoring.yaml`."""

from typing import Literal

from pydantic import Field

from customer_behavior.settings.base import FrozenModel


class Range(FrozenModel):
    """A closed interval; an end that is not given does not bound."""

    min: float | None = None
    max: float | None = None


class Action(FrozenModel):
    """Something marketing may do, when, and how it is said."""

    action: str
    when: dict[str, Range]
    words: str


class Guardrails(FrozenModel):
    """What keeps actions rare and measurable."""

    cooldown_days: int = Field(ge=0)
    holdout_share: float = Field(ge=0, lt=1)


class Recommendations(FrozenModel):
    """How products are ranked."""

    products: int = Field(gt=0)
    half_life_days: float = Field(gt=0)
    window_days: int = Field(gt=0)


class Actions(FrozenModel):
    """`actions.yaml`."""

    actions: tuple[Action, ...]
    guardrails: Guardrails
    recommendations: Recommendations


class Retention(FrozenModel):
    """`retention.yaml`: how long rows are kept, whether what is older is removed, and how much of a table at once."""

    apply: bool = False
    largest_share: float = Field(default=0.5, gt=0, le=1)
    snapshots_days: int = Field(gt=0)
    sessions_days: int = Field(gt=0)
    checkpoints_months: int = Field(gt=0)
    scores_days: int = Field(gt=0)
    events_months: int = Field(gt=0)
    marketing_days: int = Field(gt=0)
    write_audit_days: int = Field(gt=0)


class DriftLimits(FrozenModel):
    """When features count as drifted."""

    method: Literal["wasserstein", "jensenshannon", "psi"]
    threshold: float = Field(gt=0)
    limit_share: float = Field(gt=0, le=1)
    sample_rows: int = Field(gt=0)


class PerformanceLimits(FrozenModel):
    """When matured scores raise an incident."""

    max_ece: float = Field(gt=0)


class ErrorLimits(FrozenModel):
    """How segments that the model gets wrong are looked for."""

    max_depth: int = Field(gt=0)
    min_share: float = Field(gt=0, lt=1)
    max_clusters: int = Field(gt=0)


class Monitoring(FrozenModel):
    """`monitoring.yaml`."""

    drift: DriftLimits
    performance: PerformanceLimits
    errors: ErrorLimits
