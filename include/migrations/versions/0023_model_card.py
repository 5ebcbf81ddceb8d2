"""Words of the field: a model's card, and the dates on which it is tested."""

from alembic import op

revision = "0023"
down_revision = "0022"

COLUMNS = {
    "card": "The model card: hyperparameters, feature names, cutoffs, rows, seed, and versions of the libraries.",
    "tune_dates": "Snapshots used to choose the hyperparameters, between fit and calibration.",
    "test_dates": "Snapshots used to test alone, later than fit and calibration.",
}
TRIALS = {
    "trial": "Number of the trial; 0 has the hyperparameters of the last model where there was one.",
    "chosen": "The trial whose hyperparameters were fitted.",
}


def upgrade() -> None:
    op.alter_column("model_versions", "recipe", new_column_name="card", schema="models")
    op.alter_column("model_versions", "report_dates", new_column_name="test_dates", schema="models")
    for table, comments in (("model_versions", COLUMNS), ("tuning_trials", TRIALS)):
        for name, comment in comments.items():
            op.alter_column(table, name, comment=comment, schema="models")


def downgrade() -> None:
    op.alter_column("model_versions", "card", new_column_name="recipe", schema="models")
    op.alter_column("model_versions", "test_dates", new_column_name="report_dates", schema="models")
