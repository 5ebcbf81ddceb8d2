"""Events, rejects, duplicates and the ledger of batches."""

from alembic import op
from sqlalchemy import CheckConstraint

from migrations.columns import BIGINT, DATE, DATES, JSONB, NUMERIC, STAMP, TEXT, TEXTS, now, optional, required, table

revision = "0002"
down_revision = "0001"


def event_columns() -> list:
    """Return the columns of an event, the same in raw.events and raw.duplicate_events."""
    return [
        required(
            "event_id", TEXT, "The source's own id, else a hash of the row and its ordinal among identical lines."
        ),
        required("event_time", STAMP, "When it happened (stored in UTC)."),
        required("event_day", DATE, "Shop-local date of event_time; the partition key."),
        optional("customer_id", TEXT, "Who did it, in the namespace of the source; NULL: not known, never scored."),
        optional("session_id", TEXT, "Visit the event belongs to, as the source names it."),
        required("event_type", TEXT, "view, cart, remove_from_cart, purchase, return, favourite, search or other."),
        optional("product_id", TEXT, "Product, as the source names it."),
        optional("order_id", TEXT, "Order or basket, as the source names it."),
        required("quantity", NUMERIC, "Units; never negative: a return is an event type.", server_default="1"),
        optional("price", NUMERIC, "Price of one unit after discount, shop currency."),
        optional("discount", NUMERIC, "Discount on one unit, shop currency, 0 or more."),
        optional("category", TEXT, "Category of the product as delivered with the event."),
        optional("brand", TEXT, "Brand of the product as delivered with the event."),
        optional("country", TEXT, "Country of the customer or visit."),
        optional("device", TEXT, "Device of the visit."),
        optional("channel", TEXT, "Channel that brought the visit."),
        optional("attributes", JSONB, "Columns of the source that the platform keeps without reading them."),
        required("batch_date", DATE, "Date of the batch that delivered the event."),
        required("source", TEXT, "Source, a file name in include/sources."),
    ]


def upgrade() -> None:
    table(
        "raw",
        "events",
        "One row per accepted event, owned by the earliest batch that carries it. Daily partitions on event_day; no index: "
        "every reader names its days.",
        *event_columns(),
        CheckConstraint(
            "event_type IN ('view', 'cart', 'remove_from_cart', 'purchase', 'return', 'favourite', 'search', 'other')",
            name="event_type_known",
        ),
        by="event_day",
    )
    table(
        "raw",
        "duplicate_events",
        "One row per event of a batch that an earlier batch of the same source owns. Kept so that loading the earlier "
        "batch again without it gives the event back.",
        *event_columns(),
    )
    op.execute("CREATE INDEX duplicate_events_by_event ON raw.duplicate_events (source, event_id)")
    op.execute("CREATE INDEX duplicate_events_by_batch ON raw.duplicate_events (source, batch_date)")
    table(
        "raw",
        "rejected_events",
        "One row per line that was refused, with its reason. A bad line never stops a batch.",
        required("source", TEXT, "Source, a file name in include/sources."),
        required("batch_date", DATE, "Date of the batch that delivered the line."),
        required("file", TEXT, "File, relative to the landing folder."),
        required("line", BIGINT, "Line (text files) or row (Parquet) in the file, the header being line 1."),
        required("reason", TEXT, "Why it was refused, one code: see docs/architecture.md."),
        required("detail", TEXT, "The reason in words, with the column and the value."),
        required("raw_text", TEXT, "The line as it stood in the file, cut at 10,000 characters."),
        now("rejected_at", "When the batch was loaded."),
    )
    op.execute("CREATE INDEX rejected_events_by_batch ON raw.rejected_events (source, batch_date)")
    table(
        "raw",
        "ingest_batches",
        "The ledger: one row per source and batch date that was loaded; an empty or closed day has a row too.",
        required("source", TEXT, "Source, a file name in include/sources."),
        required("batch_date", DATE, "Date of the batch."),
        required(
            "status", TEXT, "loaded, empty (no rows or no file where the source allows it), or closed (calendar)."
        ),
        required("files", TEXTS, "Files read, relative to the landing folder."),
        required("rows_read", BIGINT, "Rows in the files, headers apart."),
        required("rows_accepted", BIGINT, "Rows that raw.events holds for this batch."),
        required("rows_rejected", BIGINT, "Rows in raw.rejected_events."),
        required("rows_duplicate", BIGINT, "Rows in raw.duplicate_events: an earlier batch owns the event."),
        required("event_days", DATES, "Days that the batch's rows touch, accepted or duplicate, ascending."),
        now("loaded_at", "When the batch was last loaded."),
        optional("run_id", TEXT, "Airflow run that loaded it."),
        CheckConstraint(
            "rows_read = rows_accepted + rows_rejected + rows_duplicate", name="every_row_is_accounted_for"
        ),
        CheckConstraint("status IN ('loaded', 'empty', 'closed')", name="status_known"),
        key="source, batch_date",
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA raw TO ingest")
    op.execute("GRANT SELECT ON ALL TABLES IN SCHEMA raw TO train, score")


def downgrade() -> None:
    for name in ("events", "duplicate_events", "rejected_events", "ingest_batches"):
        op.drop_table(name, schema="raw")
