"""What is wrong on a date: each incident becomes one alert. Reading only; nothing is written here."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from customer_behavior.monitoring.error_segments.segment_rules import rule_from_json
from customer_behavior.settings import Settings, TargetKey
from customer_behavior.warehouse import run_sql

DRIFT, PERFORMANCE, ERRORS = "drift", "performance", "errors"
MEMORY_DAYS = 28  # a segment told of this lately is not told of again
MOST_FEATURES = 12


@dataclass(frozen=True)
class Incident:
    """An incident of one kind on one date.

    `since` names what is going on and since when ({what: date}): a thing already mailed since then is not mailed again.
    """

    kind: str
    subject: str
    details: dict[str, Any]
    since: dict[str, str]
    targets: tuple[TargetKey, ...] = field(default=())


def find_incidents(connection: Connection, settings: Settings, as_of: date) -> list[Incident]:
    """Return the incidents of a date, at most one of each kind."""
    kinds = (find_drift, find_performance, find_errors)
    looked_at = [find(connection, settings, as_of) for find in kinds]
    return [incident for incident in looked_at if incident is not None]


def find_drift(connection: Connection, settings: Settings, as_of: date) -> Incident | None:
    """Return what moved, when the share of drifted features is at its limit or over."""
    run = run_sql(connection, "monitoring/drift_run", as_of=as_of).one_or_none()
    if run is None or not run.drifted:
        return None
    catalogue = settings.features
    moved = [
        {**row, "meaning": catalogue[row["feature"]].meaning if row["feature"] in catalogue else row["feature"]}
        for row in run_sql(connection, "monitoring/moved_features", as_of=as_of).mappings()
    ]
    predicted = [
        dict(row)
        for row in run_sql(
            connection, "monitoring/mean_predicted", as_of=as_of, reference_as_of=run.reference_as_of
        ).mappings()
    ]
    subject = f"drift: {run.features_drifted} of {run.features} features moved since {run.reference_as_of}"
    details = {
        "reference_as_of": str(run.reference_as_of),
        "features": run.features,
        "features_drifted": run.features_drifted,
        "share_drifted": run.share_drifted,
        "limit_share": run.limit_share,
        "since": str(run.since),
        "moved": moved[:MOST_FEATURES],
        "predicted": predicted,
    }
    targets = tuple(TargetKey(target=row["target"], horizon_days=row["horizon_days"]) for row in predicted)
    return Incident(DRIFT, subject, details, {DRIFT: str(run.since)}, targets)


def find_performance(connection: Connection, settings: Settings, as_of: date) -> Incident | None:
    """Return the targets whose matured probabilities are further off than the limit."""
    limit = settings.monitoring.performance.max_ece
    judged = [
        {
            "target": f"{row.target}/{row.horizon_days}d",
            "scored_as_of": str(row.scored_as_of),
            "n": row.n,
            "mean_predicted": row.mean_predicted,
            "realised": row.base_rate,
            "ece": row.ece,
            "limit": limit,
            "since": str(row.since),
        }
        for row in run_sql(connection, "monitoring/over_limit", as_of=as_of, max_ece=limit)
    ]
    if not judged:
        return None
    worst = max(judged, key=lambda row: row["ece"])
    subject = f"probabilities of {worst['target']} were {worst['ece']:.1%} off on average"
    since: dict[str, str] = {}
    for row in judged:
        since[row["target"]] = min(row["since"], since.get(row["target"], row["since"]))
    return Incident(PERFORMANCE, subject, {"judged": judged}, since, _keys(settings, since))


def find_errors(connection: Connection, settings: Settings, as_of: date) -> Incident | None:
    """Return the confirmed segments that were not told of lately."""
    told = {
        signature
        for row in run_sql(
            connection, "monitoring/told", as_of=as_of, kind=ERRORS, first_day=as_of - timedelta(days=MEMORY_DAYS)
        )
        for signature in row.details["since_of"]
    }
    clusters, since = [], {}
    for row in run_sql(connection, "monitoring/confirmed_at", as_of=as_of):
        target = f"{row.target}/{row.horizon_days}d"
        signature = signature_of(target, row.rule)
        if signature in told:
            continue
        since[signature] = str(as_of)
        clusters.append(
            {
                "target": target,
                "scored_as_of": str(row.scored_as_of),
                "description": row.description,
                "n": row.n,
                "share": row.share,
                "mean_predicted": row.mean_predicted,
                "realised": row.realised,
                "log_loss": row.log_loss,
                "log_loss_rest": row.log_loss_rest,
                "p_value": row.p_value,
            }
        )
    if not clusters:
        return None
    subject = f"{len(clusters)} segment{'s' if len(clusters) > 1 else ''} the model gets wrong"
    return Incident(
        ERRORS, subject, {"clusters": clusters}, since, _keys(settings, {row["target"]: "" for row in clusters})
    )


def signature_of(target: str, rule: list[dict[str, Any]]) -> str:
    """Return what makes two segments the same from day to day: their conditions without the cuts, which wander."""
    sides = sorted({f"{condition.feature} {condition.op}" for condition in rule_from_json(rule)})
    return f"{target}: " + ", ".join(sides)


def _keys(settings: Settings, names: dict[str, str]) -> tuple[TargetKey, ...]:
    return tuple(key for key in settings.targets.target_keys() if str(key) in names)
