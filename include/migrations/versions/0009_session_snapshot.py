"""Sessions after some of their first events, for the question whether they end in a purchase."""

from alembic import op

from migrations.columns import BOOL, DATE, DOUBLE, INT, SMALLINT, STAMP, TEXT, optional, required, table

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    table(
        "features",
        "session_snapshot",
        "One row per session that began on session_day and number of its events (after_events) at which it is looked at, before it "
        "has bought; as known at session_day + 1 (batch_date <= session_day). Features know the first after_events events and "
        "the customer's days before session_day; bought and end_open look at what came later. Daily partitions. See docs/modeling.md.",
        required("session_day", DATE, "Shop-local day of the session's first event."),
        required("source", TEXT, "Source of its events."),
        required(
            "session_key",
            TEXT,
            "The source's session id; with /customer for each further customer of the same id; customer/start (UTC) where the source "
            "names no session.",
        ),
        required("after_events", INT, "How many of the session's events the row knows."),
        optional("customer_id", TEXT, "Customer, as last named by then; NULL: nobody named yet."),
        required("snapshot_at", STAMP, "Time of the last event it knows (UTC)."),
        required("views", INT, "view events so far."),
        required("carts", INT, "cart events so far."),
        required("cart_removals", INT, "remove_from_cart events so far."),
        required("searches", INT, "search events so far."),
        required("products", INT, "Distinct products of the events so far."),
        optional("price_last", DOUBLE, "Price of the last view or cart event with a price, shop currency; NULL: none."),
        optional("price_mean_seen", DOUBLE, "Mean price of view events so far, shop currency; NULL: none had a price."),
        optional(
            "price_max_seen", DOUBLE, "Highest price of view events so far, shop currency; NULL: none had a price."
        ),
        required("cart_value", DOUBLE, "Price times quantity of cart events so far, shop currency."),
        required("duration_seconds", DOUBLE, "Seconds from the first event to snapshot_at."),
        optional(
            "seconds_since_last_event", DOUBLE, "Seconds from the event before to snapshot_at; NULL: it is the first."
        ),
        required("hour", SMALLINT, "Shop-local hour of snapshot_at, 0 to 23."),
        required("weekday", SMALLINT, "Shop-local weekday of snapshot_at, 1 Monday to 7 Sunday."),
        optional("country", TEXT, "Country, as last given by then."),
        optional("device", TEXT, "Device, as last given by then."),
        optional("channel", TEXT, "Channel, as last given by then."),
        optional("category", TEXT, "Category of the last view that has one."),
        required(
            "is_known_customer",
            BOOL,
            "A customer is named who has events in the 90 days before, as known at session_day.",
        ),
        optional("orders_90d", INT, "Orders in the 90 days before session_day; NULL: nobody named."),
        optional("revenue_90d", DOUBLE, "Revenue in the 90 days before, shop currency; NULL: nobody named."),
        optional("days_since_purchase", INT, "Days from the last day with a purchase; NULL: none in 90 days."),
        optional("days_since_event", INT, "Days from the last day with an event; NULL: none in 90 days."),
        optional("sessions_28d", INT, "Sessions named by the source in the 28 days before; NULL: nobody named."),
        optional("views_28d", INT, "view events in the 28 days before; NULL: nobody named."),
        optional("carts_28d", INT, "cart events in the 28 days before; NULL: nobody named."),
        required("bought", BOOL, "The label: a purchase later in the session, as far as known at session_day + 1."),
        required(
            "end_open",
            BOOL,
            "The session's last known event is so near the end of session_day, or after it, that it may have gone on: bought may be "
            "false too early. No feature.",
        ),
        # No key: ids come from visitors' browsers, and a made-up one must not be able to stop a night.
        by="session_day",
    )
    op.execute("GRANT SELECT ON features.session_snapshot TO train, score, api")
    op.execute("GRANT INSERT, DELETE ON features.session_snapshot TO train, score")


def downgrade() -> None:
    op.drop_table("session_snapshot", schema="features")
