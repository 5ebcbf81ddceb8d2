"""The daily rollup and the snapshots as of a date."""

from alembic import op

from migrations.columns import DATE, DOUBLE, INT, NUMERIC, SMALLINT, SMALLINTS, STAMP, TEXT, optional, required, table

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    table(
        "features",
        "customer_day",
        "One row per customer, event day and batch (source, batch_date): what that batch adds to that day. Additive: "
        "amounts are exact, so that sums do not depend on their order; a day is the sum of its rows, what was known at D the "
        "rows with event_day < D and batch_date < D.",
        required("customer_id", TEXT, "Customer."),
        required("event_day", DATE, "Shop-local day of the events."),
        required("batch_date", DATE, "Date of the batch that delivered them."),
        required("source", TEXT, "Source of the batch."),
        required("events", INT, "Events of any type."),
        required("views", INT, "view events."),
        required("carts", INT, "cart events."),
        required("cart_removals", INT, "remove_from_cart events."),
        required("purchase_lines", INT, "purchase events (lines of orders)."),
        required(
            "orders", INT, "Distinct orders; a purchase without an order id counts by its session, else by its time."
        ),
        required("return_lines", INT, "return events."),
        required("sessions", INT, "Distinct sessions named by the source."),
        required("units", NUMERIC, "Units bought."),
        required("revenue", NUMERIC, "Price times quantity of purchases, shop currency."),
        required("discount", NUMERIC, "Discount times quantity of purchases, shop currency, 0 or more."),
        required("returned_value", NUMERIC, "Price times quantity of returns, shop currency."),
        required("products", INT, "Distinct products bought that day."),
        required("categories", INT, "Distinct categories bought from that day."),
        optional(
            "max_price_paid", DOUBLE, "Highest unit price paid, shop currency; NULL: nothing bought with a price."
        ),
        optional(
            "purchase_hours",
            SMALLINTS,
            "Shop-local hours (0 to 23) at which its orders began, one element an order, ascending; NULL: no order.",
        ),
        required("first_event_at", STAMP, "First event of the day (UTC)."),
        required("last_event_at", STAMP, "Last event of the day (UTC)."),
    )
    # No key: a batch's rows are made by one GROUP BY and replaced as a whole, and an index that every row enters
    # would cost a load more than the rows. Days lie together on disk, so a block range index finds them.
    op.execute(
        "CREATE INDEX customer_day_by_day ON features.customer_day USING brin (event_day) WITH (pages_per_range = 32)"
    )
    table(
        "features",
        "customer_snapshot",
        "One row per customer known at as_of_date: what was known when the day before it ended (event_day < as_of_date and "
        "batch_date < as_of_date). Daily partitions. Meanings in words: include/config/features.yaml.",
        required("as_of_date", DATE, "The date the row looks from: it holds nothing of this day or later."),
        required("customer_id", TEXT, "Customer."),
        required("days_since_event", INT, "Days from the last event of any type to as_of_date."),
        optional(
            "days_since_purchase", INT, "Days from the last day with a purchase to as_of_date; NULL: never bought."
        ),
        required("tenure_days", INT, "Days from the first known event to as_of_date."),
        *[
            required(
                f"{name}_{days}d",
                DOUBLE if name in ("revenue",) else INT,
                f"{meaning} in the {days} days before as_of_date.",
            )
            for name, meaning in (
                ("orders", "Orders"),
                ("purchase_days", "Days with a purchase"),
                ("revenue", "Revenue, shop currency,"),
            )
            for days in (7, 28, 90)
        ],
        required("views_28d", INT, "view events in the 28 days before as_of_date."),
        required("carts_28d", INT, "cart events in the 28 days before as_of_date."),
        required("sessions_28d", INT, "Sessions in the 28 days before as_of_date."),
        required("purchase_lines_28d", INT, "Order lines in the 28 days before as_of_date."),
        required("returned_value_90d", DOUBLE, "Value of returns in the 90 days before as_of_date, shop currency."),
        required("orders_lifetime", INT, "Orders since the first known event."),
        required("revenue_lifetime", DOUBLE, "Revenue since the first known event, shop currency."),
        optional("order_value_90d", DOUBLE, "Revenue per order over 90 days, shop currency; NULL: no order."),
        optional("lines_per_order_90d", DOUBLE, "Lines per order over 90 days; NULL: no order."),
        optional(
            "discount_share_90d", DOUBLE, "Discount over discount plus revenue, 90 days, 0 to 1; NULL: nothing bought."
        ),
        optional(
            "products_per_order_90d", DOUBLE, "Sum of daily distinct products over orders, 90 days; NULL: no order."
        ),
        optional("categories_per_day_90d", DOUBLE, "Distinct categories per purchase day, 90 days; NULL: no purchase."),
        optional(
            "weekend_share_90d", DOUBLE, "Share of purchase days on Saturday or Sunday, 90 days, 0 to 1; NULL: none."
        ),
        optional(
            "gap_mean_days", DOUBLE, "Mean days between purchase days in the last 365 days; NULL: fewer than two."
        ),
        optional(
            "gap_std_days", DOUBLE, "Standard deviation of those gaps, days; NULL: fewer than three purchase days."
        ),
        optional(
            "cycle_position",
            DOUBLE,
            "days_since_purchase over gap_mean_days: above 1 is later than usual; NULL: no gap.",
        ),
        optional("orders_trend_28d", DOUBLE, "Orders a day in 28 days over orders a day in 90 days; NULL: no order."),
        optional(
            "best_hour", SMALLINT, "Shop-local hour with most orders in 90 days, 0 to 23, the earliest of equals."
        ),
        optional("best_weekday", SMALLINT, "Weekday with most purchase days in 90 days, 1 Monday to 7 Sunday."),
        key="as_of_date, customer_id",
        by="as_of_date",
    )
    op.execute("GRANT SELECT, INSERT, DELETE ON features.customer_day TO ingest")
    op.execute("GRANT SELECT ON ALL TABLES IN SCHEMA features TO train, score, api")
    op.execute("GRANT INSERT, DELETE ON features.customer_snapshot TO train, score")


def downgrade() -> None:
    op.drop_table("customer_snapshot", schema="features")
    op.drop_table("customer_day", schema="features")
