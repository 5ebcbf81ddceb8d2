"""The assets of the platform, named once: what each DAG leaves behind, for lineage and for whoever chains on it."""

from airflow.sdk import Asset


def _table(name: str) -> Asset:
    schema, table = name.split(".")
    return Asset(name=name, uri=f"postgres://warehouse:5432/warehouse/{schema}/{table}", group="warehouse")


EVENTS = _table("raw.events")
PROMOTIONS = _table("models.promotions")
SCORES = _table("models.scores")
RECOMMENDATIONS = _table("marketing.action_recommendations")
CUSTOMER_SCORES = _table("marketing.customer_scores")
MODEL_PERFORMANCE = _table("monitoring.model_performance")
RETAINED = Asset(name="retention", group="warehouse")
ERASED = Asset(name="erasure", group="warehouse")
