"""What a training is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from customer_behavior.settings import Feature, TargetKey
from customer_behavior.targets.outcome import OUTCOMES, Kind, Outcome


@dataclass(frozen=True)
class Question:
    """What is asked of the rows, whatever table they came from.

    Attributes
    ----------
    monotone
        features that may only raise (1) or lower (-1) the prediction
    catalogue
        what is known of the features, for findings in words
    unique_by
        column that is there once a date, "" where rows are not unique by any
    """

    key: TargetKey
    features: tuple[str, ...]
    kind: Kind = "probability"
    monotone: Mapping[str, int] = field(default_factory=dict)
    catalogue: Mapping[str, Feature] = field(default_factory=dict)
    unique_by: str = "customer_id"

    @property
    def outcome(self) -> Outcome:
        """What differs between a probability and an amount."""
        return OUTCOMES[self.kind]
