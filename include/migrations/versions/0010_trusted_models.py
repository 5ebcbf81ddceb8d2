"""What a training leaves behind: trials, findings, thresholds, decisions, its report; scores that are amounts."""

from alembic import op

from migrations.columns import (
    BIGINT,
    BOOL,
    DATE,
    DATES,
    DOUBLE,
    INT,
    JSONB,
    SMALLINT,
    TEXT,
    now,
    numbered,
    optional,
    required,
    table,
)

revision = "0010"
down_revision = "0009"

AMOUNT = "Expected amount within the horizon, shop currency; NULL: the target is a probability."
EXPECTED_VALUE = (
    "Expected revenue within the horizon of the value target, shop currency; in a shop without that target, purchase_probability "
    "times the revenue per order over 90 days."
)
AMOUNT_MEASURES = {
    "mae": "Mean absolute error of the amount, shop currency; NULL: the target is a probability.",
    "rmse": "Root mean squared error of the amount, shop currency; NULL: the target is a probability.",
    "deviance": "Mean Tweedie deviance of the amount; NULL: the target is a probability.",
    "gini": "Gini coefficient of the ranking by amount, 1 is the best possible; NULL: the target is a probability.",
}


def upgrade() -> None:
    # Summaries of new ranges are made as they fill: a night's rows are found without waiting for a vacuum.
    op.execute("ALTER INDEX features.customer_day_by_day SET (autosummarize = on)")
    op.add_column(
        "model_versions",
        required(
            "tune_dates",
            DATES,
            "Snapshots used to choose the recipe, between fit and calibration.",
            server_default="{}",
        ),
        schema="models",
    )
    for column in (
        optional("ece_null95", DOUBLE, "95 % quantile of ece if these probabilities were exactly right."),
        optional(
            "log_loss_gain_low",
            DOUBLE,
            "Lower end of the 95 % paired interval of the model's gain in mean loss over this contender; NULL: the model.",
        ),
        required("served", BOOL, "The contender that model_id is.", server_default="false"),
        *(optional(name, DOUBLE, comment) for name, comment in AMOUNT_MEASURES.items()),
    ):
        op.add_column("evaluations", column, schema="models")
    for name in ("brier", "log_loss", "ece"):
        op.alter_column("evaluations", name, schema="models", nullable=True)
    table(
        "models",
        "thresholds",
        "One row per model and rule of whom to contact, on the report snapshots. Empty for amounts.",
        required("model_id", TEXT, "Model."),
        required("rule", TEXT, "best_profit, or over_65: probability of at least 0.65."),
        required("threshold", DOUBLE, "Contact at this probability or more."),
        required("n", BIGINT, "Rows at or over it."),
        required("share_contacted", DOUBLE, "Share of the customers at or over it, 0 to 1."),
        optional("precision", DOUBLE, "Share of those that came true; NULL: nobody is over it."),
        required("recall", DOUBLE, "Share of all that came true which it catches."),
        required(
            "profit_per_customer",
            DOUBLE,
            "Value of what came true less cost of contacts, a customer of the population, shop currency.",
        ),
        required("contact_cost", DOUBLE, "Cost of a contact it was computed with, shop currency."),
        required("sale_value", DOUBLE, "Value of a sale it was computed with, shop currency."),
        key="model_id, rule",
    )
    table(
        "models",
        "tuning_trials",
        "One row per model and trial of its tuning.",
        required("model_id", TEXT, "Model that the tuning ended in."),
        required("trial", INT, "Number of the trial; 0 is the last recipe where there was one."),
        required("state", TEXT, "complete, pruned, failed or aborted (the wall-clock limit)."),
        optional("loss", DOUBLE, "Loss on the tune snapshots; NULL: not complete."),
        optional("trees", INT, "Trees after early stopping; NULL: not complete."),
        required("chosen", BOOL, "The trial whose recipe was fitted."),
        required("parameters", JSONB, "Its parameters."),
        key="model_id, trial",
    )
    table(
        "models",
        "training_findings",
        "One row per model and finding about the data it was trained on, in the order of weight.",
        required("model_id", TEXT, "Model."),
        required("position", SMALLINT, "1 is the weightiest."),
        required("severity", TEXT, "blocking (a fallback serves), warning or note."),
        required("finding", TEXT, "Short key, for example few_rows or degenerate_column."),
        required("statement", TEXT, "What was found, in a sentence with its numbers."),
        required("fix", TEXT, "What to do about it."),
        required("details", JSONB, "The numbers."),
        key="model_id, position",
    )
    table(
        "models",
        "decisions",
        "One row per training run's decision of the gate, for or against; models.promotions has what serves.",
        numbered("decision_id", "Order of the decisions."),
        required("model_id", TEXT, "Challenger."),
        optional("champion_id", TEXT, "Champion it was compared with; NULL: there was none."),
        required("target", TEXT, "Target."),
        required("horizon_days", INT, "Days the target looks ahead."),
        required("as_of_date", DATE, "Date of the training."),
        required("accepted", BOOL, "Whether it passed the gate."),
        required("promoted", BOOL, "Whether a promotion was written."),
        required("reason", TEXT, "Why, with the numbers, in a sentence."),
        required("checks", JSONB, "Each check with its numbers and whether it passed."),
        optional("run_id", TEXT, "Airflow run."),
        now("decided_at", "When it was decided."),
        key="decision_id",
    )
    table(
        "models",
        "reports",
        "One row per model: the report of its training, for people.",
        required("model_id", TEXT, "Model."),
        required("html", TEXT, "One self-contained page."),
        now("created_at", "When it was made."),
        key="model_id",
    )
    table(
        "models",
        "tracking",
        "One row per model that MLflow knows.",
        required("model_id", TEXT, "Model."),
        required("mlflow_run_id", TEXT, "Run in MLflow."),
        required("version", TEXT, "Version of the registered model <target>-<horizon>d."),
        required("url", TEXT, "Where the run is shown."),
        now("logged_at", "When it was logged."),
        key="model_id",
    )
    for name in ("scores", "score_staging"):
        op.alter_column(name, "probability", schema="models", nullable=True)
        op.add_column(name, optional("amount", DOUBLE, AMOUNT), schema="models")
    for name in ("customer_scores", "customer_scores_latest"):
        op.execute(f"COMMENT ON COLUMN marketing.{name}.expected_value IS '{EXPECTED_VALUE}'")
    op.alter_column("target_scores", "probability", schema="marketing", nullable=True)
    op.add_column("target_scores", optional("amount", DOUBLE, AMOUNT), schema="marketing")
    op.execute("GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA models TO train")
    op.execute("GRANT SELECT ON ALL TABLES IN SCHEMA models TO score, api")


def downgrade() -> None:
    op.drop_column("target_scores", "amount", schema="marketing")
    for name in ("scores", "score_staging"):
        op.drop_column(name, "amount", schema="models")
    for name in ("tracking", "reports", "decisions", "training_findings", "tuning_trials", "thresholds"):
        op.drop_table(name, schema="models")
    for name in ("ece_null95", "log_loss_gain_low", "served", *AMOUNT_MEASURES):
        op.drop_column("evaluations", name, schema="models")
    op.drop_column("model_versions", "tune_dates", schema="models")
    op.execute("ALTER INDEX features.customer_day_by_day RESET (autosummarize)")
