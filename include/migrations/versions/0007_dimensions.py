"""Products and customers as they were known at a date, and contacts made."""

from alembic import op

from migrations.columns import BOOL, DATE, NUMERIC, STAMP, TEXT, optional, required, table

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    table(
        "raw",
        "product_versions",
        "One row per product, source and delivery: what the batch said of it. Known at D: the newest with valid_from < D. "
        "raw.products shows until when.",
        required("source", TEXT, "Source, a file name in include/dimensions."),
        required("product_id", TEXT, "Product, as the events name it."),
        required("valid_from", DATE, "Date of the batch that delivered it."),
        optional("price", NUMERIC, "List price of one unit, shop currency."),
        optional("cost", NUMERIC, "Cost of one unit, shop currency."),
        optional("category", TEXT, "Category."),
        optional("brand", TEXT, "Brand."),
        optional("stock", NUMERIC, "Units in stock."),
        key="source, product_id, valid_from",
    )
    table(
        "raw",
        "customer_versions",
        "One row per customer, source and delivery: what the batch said of them. Known at D: the newest with valid_from < D. "
        "raw.customers shows until when.",
        required("source", TEXT, "Source, a file name in include/dimensions."),
        required("customer_id", TEXT, "Customer, as the events name them."),
        required("valid_from", DATE, "Date of the batch that delivered it."),
        optional("consent", BOOL, "Consent to be contacted; NULL: not said."),
        optional("country", TEXT, "Country."),
        key="source, customer_id, valid_from",
    )
    table(
        "raw",
        "contacts",
        "One row per contact made with a customer, as delivered.",
        required("source", TEXT, "Source, a file name in include/dimensions."),
        required("customer_id", TEXT, "Customer, as the events name them."),
        required("contacted_at", STAMP, "When the contact was made (stored in UTC)."),
        required("action", TEXT, "What was done, for example a key of include/config/actions.yaml."),
        optional("channel", TEXT, "How, for example mail."),
        optional("holdout", BOOL, "True: chosen, and left alone to measure the effect."),
        required("batch_date", DATE, "Date of the batch that delivered it."),
        key="source, customer_id, contacted_at, action, batch_date",
    )
    for entity in ("product", "customer"):
        op.execute(
            f"""
            CREATE VIEW raw.{entity}s AS
            SELECT versions.*, lead(versions.valid_from) OVER (
                PARTITION BY versions.{entity}_id ORDER BY versions.valid_from, versions.source
            ) AS valid_to
            FROM raw.{entity}_versions AS versions
            """
        )
        op.execute(
            f"COMMENT ON VIEW raw.{entity}s IS 'raw.{entity}_versions with the end of each: at D the row with "
            f"valid_from < D and (valid_to IS NULL or valid_to >= D) is known.'"
        )
        op.execute(
            f"""
            DO $$ DECLARE c record; BEGIN
                FOR c IN SELECT attname, col_description(attrelid, attnum) AS words FROM pg_attribute
                         WHERE attrelid = 'raw.{entity}_versions'::regclass AND attnum > 0
                LOOP
                    EXECUTE format('COMMENT ON COLUMN raw.{entity}s.%I IS %L', c.attname, c.words);
                END LOOP;
                COMMENT ON COLUMN raw.{entity}s.valid_to IS 'Date of the batch that replaced it; NULL: not replaced.';
            END $$
            """
        )
    tables = "raw.product_versions, raw.customer_versions, raw.contacts"
    op.execute(f"GRANT SELECT, INSERT, DELETE ON {tables} TO ingest")
    op.execute(f"GRANT SELECT ON {tables}, raw.products, raw.customers TO train, score")


def downgrade() -> None:
    for view in ("products", "customers"):
        op.execute(f"DROP VIEW raw.{view}")
    for name in ("product_versions", "customer_versions", "contacts"):
        op.drop_table(name, schema="raw")
