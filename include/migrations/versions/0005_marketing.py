"""The contract tables of marketing."""

from alembic import op

from migrations.columns import BOOL, DATE, DOUBLE, INT, JSONB, SMALLINT, TEXT, TEXTS, now, optional, required, table

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    table(
        "marketing",
        "customer_scores",
        "One row per customer and as-of date, history kept. Everything marketing needs of a customer on a morning.",
        required("customer_id", TEXT, "Customer."),
        required("as_of_date", DATE, "The morning the row is for: it knows what happened before this date."),
        required("horizon_days", INT, "Days the purchase probability looks ahead (the primary target's horizon)."),
        required("purchase_probability", DOUBLE, "Calibrated probability of a purchase within horizon_days, 0 to 1."),
        required("percentile", DOUBLE, "Share of customers with a lower probability, 0 to 100."),
        required("decile", SMALLINT, "1 is the tenth most likely to buy."),
        required("tier", TEXT, "high (decile 1 to 2), medium (3 to 6) or low (7 to 10)."),
        optional(
            "lapse_probability",
            DOUBLE,
            "Probability of not returning within the lapse horizon; NULL: not active, so not scored.",
        ),
        optional(
            "expected_value",
            DOUBLE,
            "purchase_probability times the customer's revenue per order over 90 days, shop currency.",
        ),
        required("reasons", TEXTS, "Up to three reasons, strongest first, signed, in words."),
        required("recommended_products", TEXTS, "Up to five products, best first; empty: none is known."),
        required("recommended_action", TEXT, "What to do: a key of include/config/actions.yaml; none: leave alone."),
        required("action_reason", TEXT, "Why this action, in words."),
        optional("best_hour", SMALLINT, "Shop-local hour at which the customer most often orders, 0 to 23."),
        optional("best_weekday", SMALLINT, "Weekday on which the customer most often buys, 1 Monday to 7 Sunday."),
        optional("price_point", DOUBLE, "Median unit price the customer paid over 90 days, shop currency."),
        required("segment", TEXT, "Recency and frequency class: new, regular, occasional, slipping or lost."),
        required(
            "reliable", BOOL, "False inside a segment that the model was confirmed to get wrong before this date."
        ),
        optional("unreliable_reason", TEXT, "Which segment, in words; NULL: reliable."),
        optional("consent", BOOL, "Consent to be contacted as known at as_of_date; NULL: not known."),
        optional("suppressed_reason", TEXT, "Why the customer must not be contacted; NULL: may be."),
        required(
            "holdout_actions", TEXTS, "Actions for which the customer is held out, to measure what the action earns."
        ),
        required("model_version", TEXT, "Model that gave purchase_probability."),
        now("published_at", "When the row was published."),
        key="as_of_date, customer_id",
        by="as_of_date",
    )
    table(
        "marketing",
        "target_scores",
        "One row per customer, as-of date, target and horizon: every target, in probabilities.",
        required("as_of_date", DATE, "The morning the row is for."),
        required("target", TEXT, "Target, a key of include/config/targets.yaml."),
        required("horizon_days", INT, "Days the target looks ahead."),
        required("customer_id", TEXT, "Customer."),
        required("probability", DOUBLE, "Calibrated probability, 0 to 1."),
        required("percentile", DOUBLE, "Share of customers with a lower probability, 0 to 100."),
        required("decile", SMALLINT, "1 is the tenth with the highest probabilities."),
        required("model_version", TEXT, "Model that scored."),
        key="as_of_date, target, horizon_days, customer_id",
        by="as_of_date",
    )
    table(
        "marketing",
        "product_recommendations",
        "One row per customer, as-of date and rank: products to show.",
        required("as_of_date", DATE, "The morning the row is for."),
        required("customer_id", TEXT, "Customer."),
        required("rank", SMALLINT, "1 is the best."),
        required("product_id", TEXT, "Product."),
        required("score", DOUBLE, "Decayed count of the customer's own purchase days of the product."),
        required("reason", TEXT, "Why, in words."),
        key="as_of_date, customer_id, rank",
        by="as_of_date",
    )
    table(
        "marketing",
        "action_recommendations",
        "One row per customer and as-of date: what to do, or to leave alone, and whether held out.",
        required("as_of_date", DATE, "The morning the row is for."),
        required("customer_id", TEXT, "Customer."),
        required("action", TEXT, "A key of include/config/actions.yaml; none: leave alone."),
        required("reason", TEXT, "Why, in words."),
        required("holdout", BOOL, "True: the action would apply, but the customer is held out to measure its effect."),
        optional(
            "last_action_date",
            DATE,
            "Earlier date that last had an action other than none for this customer, held out or not; NULL: never.",
        ),
        key="as_of_date, customer_id",
        by="as_of_date",
    )
    table(
        "marketing",
        "insights",
        "One row per as-of date and finding about the shop as a whole.",
        required("as_of_date", DATE, "The morning the finding is for."),
        required("insight", TEXT, "Which finding: a short key, for example peak_hours."),
        required("statement", TEXT, "The finding in a sentence."),
        required("details", JSONB, "Its numbers."),
        key="as_of_date, insight",
    )
    table(
        "marketing",
        "audience_members",
        "One row per member of a frozen audience; never changed.",
        required("audience_id", TEXT, "The audience."),
        required("customer_id", TEXT, "Member."),
        required("as_of_date", DATE, "The morning it was frozen for."),
        required("holdout", BOOL, "True: not to be contacted, to measure the effect."),
        now("frozen_at", "When it was frozen."),
        key="audience_id, customer_id",
    )
    table(
        "marketing",
        "audience_lift",
        "One row per audience and day of measurement: what contacting earned over the holdout.",
        required("audience_id", TEXT, "The audience."),
        required("measured_as_of", DATE, "What was known at this date was counted."),
        required("n_contacted", INT, "Members contacted."),
        required("n_holdout", INT, "Members held out."),
        required("contacted_rate", DOUBLE, "Share of the contacted that bought."),
        required("holdout_rate", DOUBLE, "Share of the held-out that bought."),
        optional("lift", DOUBLE, "contacted_rate minus holdout_rate."),
        optional("lift_low", DOUBLE, "Lower end of its 95 % interval."),
        optional("lift_high", DOUBLE, "Upper end of its 95 % interval."),
        key="audience_id, measured_as_of",
    )
    table(
        "marketing",
        "status",
        "One row per as-of date: may marketing use it, what made it, and what to mind.",
        required("as_of_date", DATE, "The morning."),
        required("ready", BOOL, "True: published and checked."),
        required("customers", INT, "Customers published."),
        required("model_version", TEXT, "Model of the primary target."),
        required("model_trained_as_of", DATE, "When that model was trained."),
        optional("model_auc", DOUBLE, "Its AUC on the report snapshots."),
        required("warnings", TEXTS, "What to mind, in words; empty: nothing."),
        now("published_at", "When it was published."),
        key="as_of_date",
    )
    op.execute(
        """
        CREATE VIEW marketing.customer_scores_latest AS
        SELECT scores.* FROM marketing.customer_scores AS scores
        WHERE scores.as_of_date = (SELECT max(status.as_of_date) FROM marketing.status AS status WHERE status.ready)
        """
    )
    op.execute("COMMENT ON VIEW marketing.customer_scores_latest IS 'The rows of the newest morning that is ready.'")
    op.execute(
        """
        DO $$ DECLARE c record; BEGIN
            FOR c IN SELECT column_name, col_description('marketing.customer_scores'::regclass, ordinal_position) AS words
                     FROM information_schema.columns WHERE table_schema = 'marketing' AND table_name = 'customer_scores'
            LOOP
                EXECUTE format('COMMENT ON COLUMN marketing.customer_scores_latest.%I IS %L', c.column_name, c.words);
            END LOOP;
        END $$
        """
    )
    op.execute("GRANT SELECT ON ALL TABLES IN SCHEMA marketing TO marketing_reader, api, score")
    op.execute(
        "GRANT INSERT, DELETE ON marketing.customer_scores, marketing.target_scores, marketing.product_recommendations, "
        "marketing.action_recommendations, marketing.insights, marketing.status TO score"
    )
    op.execute("GRANT INSERT ON marketing.audience_members, marketing.audience_lift TO score")


def downgrade() -> None:
    op.execute("DROP VIEW marketing.customer_scores_latest")
    for name in (
        "customer_scores",
        "target_scores",
        "product_recommendations",
        "action_recommendations",
        "insights",
        "audience_members",
        "audience_lift",
        "status",
    ):
        op.drop_table(name, schema="marketing")
