"""A no is never lost: consent as it was known at a date and as it is now, and one view of whom to leave alone."""

from alembic import op

from migrations.columns import BOOL, DATE, INT, TEXT, now, optional, required, table

revision = "0018"
down_revision = "0017"

UNREADABLE = (
    "What the delivery said where that could not be read: consent is then false; NULL: it could be read, or was blank."
)

# The columns of marketing.customer_scores that a reader must see as they are now, in marketing.customer_scores_latest.
NOW = {
    "recommended_products": "CASE WHEN suppressed.customer_id IS NULL THEN scores.recommended_products ELSE '{}' END",
    "recommended_action": "CASE WHEN suppressed.customer_id IS NULL THEN scores.recommended_action ELSE 'none' END",
    "action_reason": "coalesce(suppressed.reason, scores.action_reason)",
    "consent": "consents.consent",
    "suppressed_reason": "suppressed.reason",
}
COLUMNS = (
    "customer_id", "as_of_date", "horizon_days", "purchase_probability", "percentile", "decile", "tier", "lapse_probability",
    "expected_value", "reasons", "recommended_products", "recommended_action", "action_reason", "best_hour", "best_weekday",
    "price_point", "segment", "reliable", "unreliable_reason", "consent", "suppressed_reason", "holdout_actions",
    "model_version", "published_at",
)  # fmt: skip
NEWEST = "(SELECT max(status.as_of_date) FROM marketing.status AS status WHERE status.ready)"
LATEST = (
    "The rows of the newest morning that is ready. Consent and suppression are those of the moment of reading: whoever is in "
    "marketing.suppression_now has suppressed_reason, no action and no products here."
)


def upgrade() -> None:
    op.add_column("customer_versions", optional("consent_unreadable", TEXT, UNREADABLE), schema="raw")
    op.execute(
        "COMMENT ON COLUMN raw.customer_versions.consent IS 'Consent to be contacted as this delivery said it; NULL: blank, which "
        "takes nothing back. What counts at a date says raw.consents_at, what counts now raw.customer_consents.'"
    )
    # A delivery is found by its date, not by a scan of all that its source ever said.
    op.execute("CREATE INDEX customer_versions_by_delivery ON raw.customer_versions (source, valid_from)")
    _consents_as_known()
    _consents_now()
    _suppression_now()
    for column in (
        optional("consent", BOOL, "Consent to be contacted as known at as_of_date; NULL: not known."),
        optional(
            "suppressed_reason",
            TEXT,
            "Why the customer must not be contacted, as known at as_of_date; the action is none then. NULL: may be. Before "
            "contacting, leave out marketing.suppression_now as well: consent may have been taken back since.",
        ),
    ):
        op.add_column("action_recommendations", column, schema="marketing")
    for column in (
        optional("suppressed", INT, "Published customers with a suppressed_reason; NULL: not counted then."),
        optional("consent_missing", INT, "Published customers whose consent no delivery says; NULL: not counted then."),
        optional(
            "consent_unreadable",
            INT,
            "Customers whose newest consent could not be read, so that it counts as no, published or not; warnings has an example.",
        ),
        optional("consent_rule", TEXT, "What is done with a customer whose consent is not known, and why, in words."),
    ):
        op.add_column("status", column, schema="marketing")


def _consents_as_known() -> None:
    op.execute(
        """
        CREATE FUNCTION raw.said_consents(as_of date, among text[] DEFAULT NULL)
        RETURNS TABLE (customer_id text, source text, consent boolean, last_yes date, unreadable text)
        LANGUAGE sql STABLE AS $$
            SELECT
                said.customer_id,
                said.source,
                coalesce(said.last_yes > said.last_no, said.last_no IS NULL),
                said.last_yes,
                CASE WHEN said.last_unreadable >= to_char(greatest(said.last_no, said.last_yes), 'YYYY-MM-DD')
                    THEN substr(said.last_unreadable, 12) END
            FROM (
                SELECT
                    versions.customer_id,
                    versions.source,
                    max(versions.valid_from) FILTER (WHERE versions.consent) AS last_yes,
                    max(versions.valid_from) FILTER (WHERE NOT versions.consent) AS last_no,
                    max((to_char(versions.valid_from, 'YYYY-MM-DD') || ' ' || versions.consent_unreadable) COLLATE "C")
                        FILTER (WHERE versions.consent_unreadable IS NOT NULL) AS last_unreadable
                FROM raw.customer_versions AS versions
                WHERE versions.consent IS NOT NULL AND versions.valid_from < as_of
                    AND (among IS NULL OR versions.customer_id = ANY (among))
                GROUP BY versions.customer_id, versions.source
            ) AS said
        $$
        """
    )
    op.execute(
        "COMMENT ON FUNCTION raw.said_consents(date, text[]) IS 'One row per customer and source that says something of their "
        "consent before as_of: its newest value (a blank says nothing), the last delivery that said yes, and the word where "
        "it could not be read and so counts as no.'"
    )
    op.execute(
        """
        CREATE FUNCTION raw.consents_at(as_of date, among text[] DEFAULT NULL)
        RETURNS TABLE (customer_id text, consent boolean, unreadable text)
        LANGUAGE sql STABLE AS $$
            SELECT said.customer_id, bool_and(said.consent), max(said.unreadable)
            FROM raw.said_consents(as_of, among) AS said
            GROUP BY said.customer_id
        $$
        """
    )
    op.execute(
        "COMMENT ON FUNCTION raw.consents_at(date, text[]) IS 'One row per customer whose consent is known at as_of: false if "
        "the newest value of any source is no. A customer without a row is one whose consent is not known.'"
    )
    op.execute(
        """
        CREATE FUNCTION raw.suppression_reason(consent boolean, unreadable text, unknown text)
        RETURNS text LANGUAGE sql IMMUTABLE AS $$
            SELECT CASE
                WHEN consent THEN NULL
                WHEN unreadable IS NOT NULL THEN 'no consent to be contacted: what was delivered could not be read'
                WHEN NOT consent THEN 'no consent to be contacted'
                WHEN unknown = 'suppress' THEN 'consent to be contacted is not known'
            END
        $$
        """
    )
    op.execute(
        "COMMENT ON FUNCTION raw.suppression_reason(boolean, text, text) IS 'Why somebody must not be contacted, in words; "
        "NULL: may be. unknown says what a consent that is not known means: suppress or allow.'"
    )


def _consents_now() -> None:
    table(
        "raw",
        "consent_rule",
        "One row: what a consent that is not known means now. Written by each load of customers and each publication, from "
        "include/config/shop.yaml and the active dimensions.",
        required("one", BOOL, "True: there is one row.", server_default="true"),
        required("unknown", TEXT, "suppress or allow."),
        required("why", TEXT, "Why, in words."),
        now("set_at", "When it was last written."),
        key="one",
    )
    op.execute("ALTER TABLE raw.consent_rule ADD CONSTRAINT one_row CHECK (one)")
    op.execute("ALTER TABLE raw.consent_rule ADD CONSTRAINT unknown_known CHECK (unknown IN ('suppress', 'allow'))")
    table(
        "raw",
        "customer_consents",
        "One row per customer that was ever delivered or published: their consent now, over all deliveries whatever their date. "
        "A load of customers and a publication keep it; raw.consents_at says what was known at a date.",
        required("customer_id", TEXT, "Customer, as the events name them."),
        optional("consent", BOOL, "False if the newest value of any source is no; NULL: no source says."),
        optional("unreadable", TEXT, "The word that could not be read and so counts as no; NULL: none."),
        optional("source", TEXT, "Source that says no, the one that began first; NULL: none does."),
        optional("since", DATE, "Date of the delivery with which that source began to say no; NULL: none does."),
        key="customer_id",
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON raw.customer_consents, raw.consent_rule TO ingest")
    op.execute("GRANT SELECT ON raw.customer_consents, raw.consent_rule TO train, score")
    op.execute("GRANT INSERT ON raw.customer_consents TO score")
    op.execute("GRANT INSERT, UPDATE ON raw.consent_rule TO score")
    op.execute(
        """
        INSERT INTO raw.consent_rule (unknown, why)
        SELECT CASE WHEN found.any_consent THEN 'suppress' ELSE 'allow' END, 'as found when the schema was brought to 0018'
        FROM (SELECT exists(SELECT 1 FROM raw.customer_versions WHERE consent IS NOT NULL) AS any_consent) AS found
        """
    )
    op.execute(
        """
        INSERT INTO raw.customer_consents (customer_id, consent, source, since)
        SELECT DISTINCT ON (customers.customer_id)
            customers.customer_id, consents.consent, refused.source, refused.since
        FROM (
            SELECT customer_id FROM raw.customer_versions
            UNION
            SELECT customer_id FROM marketing.customer_scores
        ) AS customers
        LEFT JOIN raw.consents_at('infinity') AS consents ON customers.customer_id = consents.customer_id
        LEFT JOIN (
            SELECT said.customer_id, said.source, min(versions.valid_from) AS since
            FROM raw.said_consents('infinity') AS said
            INNER JOIN raw.customer_versions AS versions
                ON said.customer_id = versions.customer_id AND said.source = versions.source AND NOT versions.consent
                AND versions.valid_from > coalesce(said.last_yes, '-infinity')
            WHERE NOT said.consent
            GROUP BY said.customer_id, said.source
        ) AS refused ON customers.customer_id = refused.customer_id
        ORDER BY customers.customer_id, refused.since, refused.source
        """
    )


def _suppression_now() -> None:
    op.execute(
        """
        CREATE VIEW marketing.suppression_now AS
        SELECT found.customer_id, found.reason, found.source, found.since
        FROM (
            SELECT
                consents.customer_id,
                raw.suppression_reason(consents.consent, consents.unreadable, (SELECT rule.unknown FROM raw.consent_rule AS rule))
                    AS reason,
                consents.source,
                consents.since
            FROM raw.customer_consents AS consents
            WHERE consents.consent IS NOT TRUE
        ) AS found
        WHERE found.reason IS NOT NULL
        """
    )
    for name, words in {
        "customer_id": "Customer who must not be contacted.",
        "reason": "Why, in words.",
        "source": "Source that says so, a file name in include/dimensions; NULL: no source says anything of their consent.",
        "since": "Date of the delivery with which it began to; NULL: no source says anything of their consent.",
    }.items():
        op.execute(f"COMMENT ON COLUMN marketing.suppression_now.{name} IS '{words}'")
    op.execute(
        "COMMENT ON VIEW marketing.suppression_now IS 'One row per customer who must not be contacted at the moment of reading, "
        "whatever a morning was published with. Every audience leaves them out; marketing.customer_scores_latest does so itself.'"
    )
    op.execute("GRANT SELECT ON marketing.suppression_now TO marketing_reader, api, score")
    items = ", ".join(f"{NOW[name]} AS {name}" if name in NOW else f"scores.{name}" for name in COLUMNS)
    op.execute(
        f"""
        CREATE OR REPLACE VIEW marketing.customer_scores_latest AS
        SELECT {items}
        FROM marketing.customer_scores AS scores
        LEFT JOIN raw.customer_consents AS consents ON scores.customer_id = consents.customer_id
        LEFT JOIN marketing.suppression_now AS suppressed ON scores.customer_id = suppressed.customer_id
        WHERE scores.as_of_date = {NEWEST}
        """
    )
    op.execute(f"COMMENT ON VIEW marketing.customer_scores_latest IS '{LATEST}'")
    for name, words in {
        "consent": "Consent to be contacted at the moment of reading; NULL: not known.",
        "suppressed_reason": "Why the customer must not be contacted at the moment of reading; NULL: may be.",
        "recommended_action": "What to do: a key of include/config/actions.yaml; none: leave alone, as everybody suppressed.",
        "recommended_products": "Up to five products, best first; empty: none is known, or the customer is suppressed.",
    }.items():
        op.execute(f"COMMENT ON COLUMN marketing.customer_scores_latest.{name} IS '{words}'")


def downgrade() -> None:
    op.execute(
        f"CREATE OR REPLACE VIEW marketing.customer_scores_latest AS SELECT {', '.join(f'scores.{name}' for name in COLUMNS)} "
        f"FROM marketing.customer_scores AS scores WHERE scores.as_of_date = {NEWEST}"
    )
    op.execute("DROP VIEW marketing.suppression_now")
    for name in ("suppressed", "consent_missing", "consent_unreadable", "consent_rule"):
        op.drop_column("status", name, schema="marketing")
    for name in ("consent", "suppressed_reason"):
        op.drop_column("action_recommendations", name, schema="marketing")
    for name in ("customer_consents", "consent_rule"):
        op.drop_table(name, schema="raw")
    op.execute("DROP FUNCTION raw.suppression_reason(boolean, text, text)")
    op.execute("DROP FUNCTION raw.consents_at(date, text[])")
    op.execute("DROP FUNCTION raw.said_consents(date, text[])")
    op.execute("DROP INDEX raw.customer_versions_by_delivery")
    op.drop_column("customer_versions", "consent_unreadable", schema="raw")
