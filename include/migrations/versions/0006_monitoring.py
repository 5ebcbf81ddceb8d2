"""Drift, matured performance, error clusters, alerts, retraining requests and the audit of writes."""

from alembic import op

from migrations.columns import (
    BIGINT,
    BOOL,
    DATE,
    DOUBLE,
    INT,
    JSONB,
    STAMP,
    TEXT,
    now,
    numbered,
    optional,
    required,
    table,
)

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    table(
        "monitoring",
        "drift_runs",
        "One row per as-of date: did the customers of this snapshot drift from those the champion was calibrated on.",
        required("as_of_date", DATE, "The snapshot judged."),
        required("reference_as_of", DATE, "The snapshot compared with."),
        required("reference_rows", INT, "Rows compared on the reference side."),
        required("current_rows", INT, "Rows compared on the current side."),
        required("features", INT, "Features compared."),
        required("features_drifted", INT, "Features over their limit."),
        required("share_drifted", DOUBLE, "features_drifted over features."),
        required("limit_share", DOUBLE, "Share at which the run counts as drifted."),
        required("drifted", BOOL, "share_drifted >= limit_share."),
        now("measured_at", "When it was measured."),
        key="as_of_date",
    )
    table(
        "monitoring",
        "drift_features",
        "One row per as-of date and feature: Evidently's measure of its drift.",
        required("as_of_date", DATE, "The snapshot judged."),
        required("feature", TEXT, "Feature, a column of features.customer_snapshot."),
        required("method", TEXT, "Measure: an effect size, not a p-value, see docs/architecture.md."),
        required("distance", DOUBLE, "The measure."),
        required("threshold", DOUBLE, "Limit at which the feature counts as drifted."),
        required("drifted", BOOL, "distance >= threshold."),
        optional("reference_mean", DOUBLE, "Mean in the reference, missing values apart."),
        optional("current_mean", DOUBLE, "Mean now, missing values apart."),
        required("reference_missing", DOUBLE, "Share of missing values in the reference, 0 to 1."),
        required("current_missing", DOUBLE, "Share of missing values now, 0 to 1."),
        key="as_of_date, feature",
    )
    table(
        "monitoring",
        "model_performance",
        "One row per scored date, target and horizon whose outcome is known: the scores against what happened.",
        required("scored_as_of", DATE, "The date that was scored."),
        required("target", TEXT, "Target."),
        required("horizon_days", INT, "Days the target looks ahead."),
        required("judged_as_of", DATE, "The date at which the outcome had matured and was read."),
        required("model_id", TEXT, "Model that scored."),
        required("n", INT, "Customers judged."),
        required("base_rate", DOUBLE, "Share for whom the target came true."),
        required("mean_predicted", DOUBLE, "Mean predicted probability."),
        optional("auc", DOUBLE, "Area under the ROC curve; NULL: one class only."),
        required("brier", DOUBLE, "Mean squared error of the probability."),
        required("log_loss", DOUBLE, "Mean negative log likelihood, nats."),
        required("ece", DOUBLE, "Calibration error over ten equal-sized bins."),
        now("measured_at", "When it was measured."),
        key="scored_as_of, target, horizon_days",
    )
    table(
        "monitoring",
        "error_clusters",
        "One row per scored date, target, horizon and segment that the model got wrong, worst first.",
        required("scored_as_of", DATE, "The date that was scored."),
        required("target", TEXT, "Target."),
        required("horizon_days", INT, "Days the target looks ahead."),
        required("cluster", INT, "1 is the worst."),
        required("judged_as_of", DATE, "The date at which the outcome was read."),
        required("description", TEXT, "The segment in words."),
        required("rule", JSONB, "The same as conditions on features: [{feature, op, value}]."),
        required("n", INT, "Customers in it."),
        required("share", DOUBLE, "n over all judged."),
        required("mean_predicted", DOUBLE, "Mean predicted probability in it."),
        required("realised", DOUBLE, "Share for whom the target came true."),
        required("log_loss", DOUBLE, "Mean negative log likelihood in it, nats."),
        required("log_loss_rest", DOUBLE, "The same outside it."),
        required(
            "p_value", DOUBLE, "Of the gap between predicted and realised, corrected for the number of segments tried."
        ),
        required(
            "confirmed",
            BOOL,
            "Seen on the half of the customers that took no part in finding it: p below 0.05, and predicted and realised "
            "apart by at least performance.max_ece of monitoring.yaml.",
        ),
        key="scored_as_of, target, horizon_days, cluster",
    )
    table(
        "monitoring",
        "alerts",
        "One row per incident: what moved, since when, what it does, what to do.",
        numbered("alert_id", "Order of the alerts."),
        required("as_of_date", DATE, "The date that raised it."),
        required("kind", TEXT, "drift, performance or errors."),
        required("subject", TEXT, "Subject of the mail."),
        required("body", TEXT, "Text of the mail."),
        required("details", JSONB, "Its numbers."),
        required("quiet", BOOL, "True: raised by a backfill, recorded but neither mailed nor acted on."),
        optional("mailed_at", STAMP, "When the mail was handed to the SMTP server; NULL: not mailed."),
        now("raised_at", "When it was raised."),
        key="alert_id",
    )
    op.execute("CREATE UNIQUE INDEX alerts_one_per_incident ON monitoring.alerts (as_of_date, kind)")
    table(
        "monitoring",
        "retraining_requests",
        "One row per request that the next train_models run take place for a reason.",
        required("as_of_date", DATE, "The date that asked."),
        required("target", TEXT, "Target."),
        required("horizon_days", INT, "Days the target looks ahead."),
        required("reason", TEXT, "Why, in a sentence."),
        optional("fulfilled_by", TEXT, "Model that answered it; NULL: open."),
        now("requested_at", "When it was asked."),
        key="as_of_date, target, horizon_days",
    )
    table(
        "monitoring",
        "write_audit",
        "One row per slice written: proof that a second run wrote again, and what it wrote.",
        numbered("audit_id", "Order of the writes."),
        required("table_name", TEXT, "Table, with its schema."),
        required("slice", TEXT, "What was replaced: an as-of date, a batch, a model."),
        required("rows_deleted", BIGINT, "Rows removed before."),
        required("rows_written", BIGINT, "Rows written."),
        optional("run_id", TEXT, "Airflow run."),
        now("written_at", "When the transaction began."),
        key="audit_id",
    )
    op.execute("GRANT SELECT ON ALL TABLES IN SCHEMA monitoring TO ingest, train, score")
    op.execute("GRANT INSERT ON monitoring.write_audit TO ingest, train, score")
    op.execute("GRANT UPDATE ON monitoring.retraining_requests TO train")
    op.execute(
        "GRANT INSERT, UPDATE, DELETE ON monitoring.drift_runs, monitoring.drift_features, monitoring.model_performance, "
        "monitoring.error_clusters, monitoring.alerts, monitoring.retraining_requests TO score"
    )


def downgrade() -> None:
    for name in (
        "drift_runs",
        "drift_features",
        "model_performance",
        "error_clusters",
        "alerts",
        "retraining_requests",
        "write_audit",
    ):
        op.drop_table(name, schema="monitoring")
