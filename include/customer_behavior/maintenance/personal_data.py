"""Where the warehouse holds what is about a person: the one registry, which the erasure goes by.

Every table of the platform is here, and every column of those that hold no person's rows; a test compares it with the database's
catalogue. A new table, or a new column of a table without a person, has to be put in its place here.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PersonTable:
    """A table whose rows are about a person: the whole row goes with the person, whatever its columns.

    Attributes
    ----------
    person : str
        The column with the id of the person.
    session : str or None
        The column that names the visit; rows of a visit of the person's in which nobody is named go as well.
    day : str or None
        The visit's day.
    free : tuple of str
        Columns of whatever the source delivered: in the rows of others they are emptied where they name the person.
    ledger : str or None
        The column with the batch date, where raw.ingest_batches counts the table's rows: as accepted, or as duplicate.
    counted : str
        How it counts them.
    """

    person: str = "customer_id"
    session: str | None = None
    day: str | None = None
    free: tuple[str, ...] = ()
    ledger: str | None = None
    counted: str = "rows_accepted"


EVENTS = PersonTable(session="session_id", day="event_day", free=("attributes",), ledger="batch_date")
PERSON_TABLES = {
    "raw.events": EVENTS,
    "raw.duplicate_events": PersonTable(
        session="session_id", day="event_day", free=("attributes",), ledger="batch_date", counted="rows_duplicate"
    ),
    "raw.order_days": PersonTable(),
    "raw.customer_versions": PersonTable(ledger="valid_from"),
    "raw.customer_consents": PersonTable(),
    "raw.contacts": PersonTable(ledger="batch_date"),
    "features.customer_day": PersonTable(),
    "features.customer_checkpoint": PersonTable(),
    "features.customer_snapshot": PersonTable(),
    "features.session_snapshot": PersonTable(session="session_key", day="session_day"),
    "models.scores": PersonTable(),
    "models.score_staging": PersonTable(),
    "marketing.customer_scores": PersonTable(),
    "marketing.target_scores": PersonTable(),
    "marketing.product_recommendations": PersonTable(),
    "marketing.action_recommendations": PersonTable(),
    "marketing.audience_members": PersonTable(),
}

# Lines as they were delivered, whoever they are about: their text is taken where it names the person, their place stays.
LINE_TABLES = {"raw.rejected_events": ("raw_text", "detail")}

# Salted hashes alone: who was erased must be known again, and cannot be read.
HASHED = {"raw.erased_customers": ("hash",)}

# Tables without a person: every column, so that a new one is judged before it is filled.
NOBODY = {
    "raw.ingest_batches": "source batch_date status files files_passed_over rows_read rows_accepted rows_rejected rows_duplicate "
    "rows_nobody rows_dropped rows_erased values_mended event_days loaded_at run_id",
    "raw.consent_rule": "one unknown why set_at",
    "raw.product_versions": "source product_id valid_from price cost category brand stock",
    "raw.rejected_events": "source batch_date file line reason rejected_at",
    "raw.erased_customers": "kind erased_at",
    "raw.erasure_salt": "salt",
    "features.checkpoints": "checkpoint_date known_until ledger built_at",
    "features.snapshot_builds": "table_name day ledger rows_written built_at",
    "marketing.audience_lift": "audience_id measured_as_of n_contacted n_holdout contacted_rate holdout_rate lift lift_low "
    "lift_high",
    "marketing.insights": "as_of_date insight statement details",
    "marketing.status": "as_of_date ready customers model_version model_trained_as_of model_auc warnings suppressed consent_missing "
    "consent_unreadable consent_rule made_from published_at",
    "models.decisions": "decision_id model_id champion_id target horizon_days as_of_date accepted promoted reason checks "
    "run_id decided_at",
    "models.evaluations": "model_id contender target horizon_days trained_as_of n base_rate auc auc_low auc_high "
    "auc_gain_low pr_auc brier log_loss ece lift10 evaluated_at ece_null95 log_loss_gain_low served "
    "mae rmse deviance gini",
    "models.gain_table": "model_id decile n mean_predicted realised cumulative_gain lift",
    "models.model_files": "model_id name content sha256",
    "models.model_versions": "model_id target horizon_days trained_as_of card fit_dates calibration_dates test_dates "
    "created_at run_id tune_dates",
    "models.promotions": "promotion_id target horizon_days effective_as_of model_id reason actor decided_at",
    "models.reports": "model_id html created_at",
    "models.thresholds": "model_id rule threshold n share_contacted precision recall profit_per_customer contact_cost "
    "sale_value",
    "models.tracking": "model_id mlflow_run_id version url logged_at",
    "models.training_findings": "model_id position severity finding statement fix details",
    "models.tuning_trials": "model_id trial state loss trees chosen parameters",
    "monitoring.alerts": "alert_id as_of_date kind subject body details quiet mailed_at raised_at",
    "monitoring.drift_features": "as_of_date feature method distance threshold drifted reference_mean current_mean "
    "reference_missing current_missing",
    "monitoring.drift_runs": "as_of_date reference_as_of reference_rows current_rows features features_drifted share_drifted "
    "limit_share drifted measured_at",
    "monitoring.error_clusters": "scored_as_of target horizon_days cluster judged_as_of description rule n share "
    "mean_predicted realised log_loss log_loss_rest p_value confirmed",
    "monitoring.model_performance": "scored_as_of target horizon_days judged_as_of model_id n base_rate mean_predicted auc "
    "brier log_loss ece measured_at",
    "monitoring.retraining_requests": "as_of_date target horizon_days reason fulfilled_by requested_at",
    "monitoring.write_audit": "audit_id table_name slice rows_deleted rows_written run_id written_at",
}
