"""Models, promotions, evaluations and scores."""

from alembic import op

from migrations.columns import (
    BIGINT,
    BYTES,
    DATE,
    DATES,
    DOUBLE,
    INT,
    JSONB,
    SMALLINT,
    STAMP,
    TEXT,
    now,
    numbered,
    optional,
    required,
    table,
)

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    table(
        "models",
        "model_versions",
        "One row per trained model. The id is a hash of its content: same data, same seed, same id.",
        required("model_id", TEXT, "Hash of the model's files."),
        required("target", TEXT, "Target, a key of include/config/targets.yaml."),
        required("horizon_days", INT, "Days the target looks ahead."),
        required("trained_as_of", DATE, "What was known at this date was used, labels included."),
        required("recipe", JSONB, "Parameters, feature names, cutoffs, seed, and versions of the libraries."),
        required("fit_dates", DATES, "Snapshots used to fit."),
        required("calibration_dates", DATES, "Snapshots used to calibrate, later than the fit."),
        required("report_dates", DATES, "Snapshots used for the report alone, later than both."),
        now("created_at", "When it was registered."),
        optional("run_id", TEXT, "Airflow run that trained it."),
        key="model_id",
    )
    table(
        "models",
        "model_files",
        "One row per file of a model: XGBoost's UBJ and JSON, never a pickle.",
        required("model_id", TEXT, "Model."),
        required("name", TEXT, "File name."),
        required("content", BYTES, "The file."),
        required("sha256", TEXT, "Hash of the content, checked when it is read."),
        key="model_id, name",
    )
    table(
        "models",
        "promotions",
        "One row per decision that a model serves. The newest with effective_as_of < D scores D; a rollback is a new row.",
        numbered("promotion_id", "Order of the decisions."),
        required("target", TEXT, "Target."),
        required("horizon_days", INT, "Days the target looks ahead."),
        required("effective_as_of", DATE, "Serves dates after this one."),
        required("model_id", TEXT, "The model that serves."),
        required("reason", TEXT, "Why, with the numbers, in a sentence."),
        required("actor", TEXT, "Who decided: the gate, or a person's name from the form."),
        now("decided_at", "When it was decided."),
        key="promotion_id",
    )
    op.execute("CREATE INDEX promotions_by_target ON models.promotions (target, horizon_days, effective_as_of)")
    table(
        "models",
        "evaluations",
        "One row per training run, contender and metric set on the report snapshots: the model beside its baselines, same rows.",
        required("model_id", TEXT, "The model that was trained."),
        required("contender", TEXT, "model, or the baseline's name: logistic_regression, frequency, base_rate."),
        required("target", TEXT, "Target."),
        required("horizon_days", INT, "Days the target looks ahead."),
        required("trained_as_of", DATE, "Date of the training."),
        required("n", BIGINT, "Rows judged."),
        required("base_rate", DOUBLE, "Share of positive labels, 0 to 1."),
        optional("auc", DOUBLE, "Area under the ROC curve; NULL: one class only."),
        optional("auc_low", DOUBLE, "Lower end of the 95 % bootstrap interval of auc."),
        optional("auc_high", DOUBLE, "Upper end of the 95 % bootstrap interval of auc."),
        optional(
            "auc_gain_low",
            DOUBLE,
            "Lower end of the 95 % paired interval of the model's auc over this contender; NULL: the model.",
        ),
        optional("pr_auc", DOUBLE, "Average precision."),
        required("brier", DOUBLE, "Mean squared error of the probability."),
        required("log_loss", DOUBLE, "Mean negative log likelihood, nats."),
        required(
            "ece", DOUBLE, "Calibration error: mean gap between predicted and realised over ten equal-sized bins."
        ),
        optional("lift10", DOUBLE, "Positive rate in the top tenth over the base rate."),
        now("evaluated_at", "When it was measured."),
        key="model_id, contender",
    )
    table(
        "models",
        "gain_table",
        "One row per model and tenth of the report snapshots, best first: predicted beside realised.",
        required("model_id", TEXT, "Model."),
        required("decile", SMALLINT, "1 is the tenth with the highest probabilities."),
        required("n", BIGINT, "Rows."),
        required("mean_predicted", DOUBLE, "Mean calibrated probability."),
        required("realised", DOUBLE, "Share of positive labels."),
        required("cumulative_gain", DOUBLE, "Share of all positives in this and the better tenths."),
        required("lift", DOUBLE, "realised over the base rate."),
        key="model_id, decile",
    )
    score_columns = [
        required("as_of_date", DATE, "The date scored: the customer as known when the day before it ended."),
        required("target", TEXT, "Target."),
        required("horizon_days", INT, "Days the target looks ahead."),
        required("customer_id", TEXT, "Customer."),
        required("probability", DOUBLE, "Calibrated probability of the target, 0 to 1."),
    ]
    table(
        "models",
        "scores",
        "One row per customer, as-of date, target and horizon. Monthly partitions.",
        *[column._copy() for column in score_columns],
        required("percentile", DOUBLE, "Share of the scored customers with a lower probability, 0 to 100."),
        required("decile", SMALLINT, "1 is the tenth with the highest probabilities."),
        required("reasons", JSONB, "The three strongest reasons: feature, value, effect (log-odds), in words."),
        required("model_id", TEXT, "Model that scored."),
        now("scored_at", "When it was published."),
        key="as_of_date, target, horizon_days, customer_id",
        by="as_of_date",
    )
    table(
        "models",
        "score_staging",
        "Scores of the buckets of a run until its publishing task has checked and moved them.",
        required("run_token", TEXT, "The run that wrote the row."),
        required("bucket", INT, "Bucket of customers."),
        *[column._copy() for column in score_columns],
        required("reasons", JSONB, "As in models.scores."),
        required("model_id", TEXT, "Model that scored."),
        required("staged_at", STAMP, "When it was staged.", server_default="now()"),
    )
    op.execute("CREATE INDEX score_staging_by_run ON models.score_staging (run_token, bucket)")
    op.execute("GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA models TO train")
    op.execute("GRANT SELECT ON ALL TABLES IN SCHEMA models TO score, api")
    op.execute("GRANT INSERT, DELETE ON models.scores, models.score_staging TO score")


def downgrade() -> None:
    for name in ("score_staging", "scores", "gain_table", "evaluations", "promotions", "model_files", "model_versions"):
        op.drop_table(name, schema="models")
