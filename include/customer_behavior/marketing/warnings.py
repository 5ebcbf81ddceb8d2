"""What marketing should mind on a morning, in sentences. Only what was known before the morning counts."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.engine import Connection

from customer_behavior.marketing.reliability import Unreliable
from customer_behavior.monitoring.performance.matured import last_judged
from customer_behavior.settings import Settings
from customer_behavior.warehouse import run_sql


def read_warnings(connection: Connection, settings: Settings, as_of: date, unreliable: Unreliable) -> list[str]:
    """Return the warnings of a date, none when all is well."""
    key = settings.primary
    found = []
    drift = run_sql(connection, "marketing/last_drift", as_of=as_of).one_or_none()
    if drift is not None and drift.drifted:
        found.append(
            f"customers have moved away from those the model learned from: {drift.features_drifted} of {drift.features} "
            f"features on {drift.as_of_date}, compared with {drift.reference_as_of}"
        )
    judged = last_judged(connection, key, as_of)
    if judged is not None and judged["ece"] > settings.monitoring.performance.max_ece:
        found.append(
            f"probabilities of {judged['scored_as_of']} turned out {judged['ece']:.1%} off on average: "
            f"{judged['mean_predicted']:.1%} predicted, {judged['base_rate']:.1%} came true"
        )
    found += [
        f"{n} customers are in a segment a model was wrong about (reliable is false): {segment}"
        for segment, n in unreliable.segments.items()
    ]
    model = run_sql(
        connection, "marketing/confidence", as_of=as_of, target=key.target, horizon_days=key.horizon_days
    ).one_or_none()
    if model and model.confidence == "low":
        found.append(
            f"no model could be made ({model.why}): probabilities are those of classes of recency and frequency, "
            "confidence is low"
        )
    elif model and model.confidence == "medium":
        found.append(f"confidence is medium, as {model.why}")
    return found


def consent_warnings(consents: Mapping[str, Any], customers: int) -> list[str]:
    """Return what to mind of the consents of a date's customers, from the counts of marketing/count_consents.sql."""
    found = []
    if consents["consent_unreadable"]:
        found.append(
            f"the consent of {consents['consent_unreadable']} customers could not be read and counts as no, for example "
            f"{consents['word']!r}: say what the word means under values.consent in include/dimensions/{consents['source']}.yaml"
        )
    if customers and consents["suppressed"] == customers:
        found.append(
            "nobody may be contacted: no published customer has consent; compare the ids of the deliveries of customers with those "
            "of the events"
        )
    return found
