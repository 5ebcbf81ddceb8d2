"""Orders as they were known: what replaces an event, what was paid back, money that is no product, and where an order's lines are."""

from alembic import op

from migrations.columns import DATE, DOUBLE, NUMERIC, TEXT, optional, required, table

revision = "0016"
down_revision = "0015"

EVENTS = (
    (
        "superseded_on",
        DATE,
        "Batch date of the delivery that took this row's place; NULL: it stands. Known at D: batch_date < D AND (superseded_on IS "
        "NULL OR superseded_on >= D). In duplicate_events the batch's own date: a later file of the same batch took its place.",
    ),
    ("refunded", NUMERIC, "Of the price of one unit, what its order's state says was paid back, shop currency."),
    (
        "charge",
        TEXT,
        "Money that is no product: postage, fee, voucher, gift_card, tip, deposit or adjustment. Its event type is other and its "
        "price may be negative. NULL: not money alone.",
    ),
)


def upgrade() -> None:
    for name in ("events", "duplicate_events"):
        for column in EVENTS:
            op.add_column(name, optional(*column), schema="raw")
    _rollup()
    table(
        "raw",
        "order_days",
        "One row per order, customer, event day and batch: where a source's batches delivered lines of an order, so that its other "
        "lines and states are found without a search of raw.events.",
        required("source", TEXT, "Source, a file name in include/sources."),
        required("order_id", TEXT, "Order, as the source names it."),
        optional("customer_id", TEXT, "Customer of the lines; NULL: not known."),
        required("event_day", DATE, "Shop-local day of the lines."),
        required("batch_date", DATE, "Date of the batch that delivered them."),
    )
    op.execute("CREATE INDEX order_days_by_order ON raw.order_days (source, order_id)")
    op.execute("CREATE INDEX order_days_by_batch ON raw.order_days (source, batch_date)")
    op.execute("GRANT SELECT, INSERT, DELETE ON raw.order_days TO ingest")
    op.execute("GRANT SELECT ON raw.order_days TO train, score")
    op.execute(
        """
        INSERT INTO raw.order_days (source, order_id, customer_id, event_day, batch_date)
        SELECT DISTINCT source, order_id, customer_id, event_day, batch_date
        FROM (
            SELECT source, order_id, customer_id, event_day, batch_date FROM raw.events WHERE event_type = 'purchase'
            UNION ALL
            SELECT source, order_id, customer_id, event_day, batch_date FROM raw.duplicate_events WHERE event_type = 'purchase'
        ) AS lines
        WHERE order_id IS NOT NULL
        """
    )


def _rollup() -> None:
    """Empty the rollup, whose rows are versions of a day now: `customer_behavior.warehouse.migrate` fills it afterwards."""
    op.execute("TRUNCATE features.customer_day")
    op.add_column(
        "customer_day",
        optional(
            "superseded_on",
            DATE,
            "Batch date of the next version of this customer's day; NULL: it stands. Known at D: batch_date < D AND (superseded_on IS "
            "NULL OR superseded_on >= D), which is at most one row a customer, day and source.",
        ),
        schema="features",
    )
    for name, comment in (
        ("gross_revenue", "Price times quantity of purchases before anything was paid back, shop currency."),
        (
            "charges",
            "Money that is no product (postage, fees, vouchers, gift cards, tips), shop currency; may be negative.",
        ),
    ):
        op.add_column("customer_day", required(name, DOUBLE, comment, server_default="0"), schema="features")
    op.execute(
        "COMMENT ON TABLE features.customer_day IS 'One row per customer, event day, source and version (batch_date): the whole of "
        "that day as the source''s batches up to batch_date told it, true until superseded_on. What was known at D: the rows with "
        "event_day < D, batch_date < D and superseded_on NULL or at least D.'"
    )
    op.execute(
        "COMMENT ON COLUMN features.customer_day.batch_date IS 'Date of the batch with which the row became true.'"
    )
    op.execute(
        "COMMENT ON COLUMN features.customer_day.revenue IS 'Price times quantity of purchases less what their orders say was paid "
        "back, shop currency; return events are in returned_value.'"
    )
    op.execute(
        "COMMENT ON COLUMN features.customer_day.orders IS 'Distinct orders that began on this day; a purchase without an order id "
        "counts by its session, else by its time.'"
    )


def downgrade() -> None:
    op.drop_table("order_days", schema="raw")
    op.execute("TRUNCATE features.customer_day")
    for name in ("superseded_on", "gross_revenue", "charges"):
        op.drop_column("customer_day", name, schema="features")
    op.execute("DELETE FROM raw.events WHERE superseded_on IS NOT NULL")
    for name in ("events", "duplicate_events"):
        for column, _, _ in EVENTS:
            op.drop_column(name, column, schema="raw")
