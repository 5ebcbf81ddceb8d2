"""The rollup and the snapshots in full: events by type, visits, prices, habits, attributes; and monthly checkpoints."""

from alembic import op

from migrations.columns import BIGINT, DATE, DOUBLE, INT, SMALLINT, TEXT, now, optional, required, table

revision = "0008"
down_revision = "0007"

ROLLUP = [
    ("favourites", INT, "favourite events."),
    ("searches", INT, "search events."),
    ("carts_left", INT, "Sessions with a cart event and no purchase that day; events without a session are one."),
    ("session_seconds", BIGINT, "Seconds from first to last event, added up over the day's sessions."),
    ("cart_value", DOUBLE, "Price times quantity of cart events, shop currency."),
    ("priced_views", INT, "view events with a price."),
    ("seen_value", DOUBLE, "Prices of those added up, shop currency."),
    ("top_category_lines", INT, "Order lines of top_category that day."),
    ("night_events", INT, "Events from 0 to 6 o'clock, shop-local."),
    ("morning_events", INT, "Events from 6 to 12 o'clock, shop-local."),
    ("afternoon_events", INT, "Events from 12 to 18 o'clock, shop-local."),
    ("evening_events", INT, "Events from 18 to 24 o'clock, shop-local."),
]
ROLLUP_TEXTS = [
    (
        "top_category",
        "Category with most order lines that day, the first of the alphabet of equals; NULL: none bought.",
    ),
    ("country", "Country of the day's events, the last of the alphabet of several."),
    ("device", "Device of the day's events, the last of the alphabet of several."),
    ("channel", "Channel of the day's events, the last of the alphabet of several."),
]
WINDOWS = (1, 7, 28, 90)
COUNTS = {
    "events": "Events of any type",
    "views": "view events",
    "carts": "cart events",
    "cart_removals": "remove_from_cart events",
    "favourites": "favourite events",
    "searches": "search events",
    "sessions": "Sessions",
    "carts_left": "Sessions with a cart and no purchase",
    "orders": "Orders",
    "purchase_lines": "Order lines",
    "return_lines": "Lines returned",
}
VALUES = {
    "revenue": "Revenue, shop currency,",
    "discount": "Discount, shop currency,",
    "returned_value": "Value of returns, shop currency,",
    "cart_value": "Value put in carts, shop currency,",
}
TRENDS = ("events", "views", "carts", "sessions", "orders", "revenue")
RATIOS = {
    "order_value_lifetime": "Revenue per order since the first known event, shop currency; NULL: no order.",
    "gap_mean_days": "Mean days between purchase days, all known ones; NULL: fewer than two.",
    "gap_std_days": "Sample standard deviation of those gaps, days; NULL: fewer than three purchase days.",
    "gap_variation": "gap_std_days over gap_mean_days: 0 is a clockwork; NULL: fewer than three purchase days.",
    "cycle_position": "days_since_purchase over gap_mean_days: above 1 is later than usual; NULL: no gap.",
    "session_minutes_28d": "Mean minutes from first to last event of a session, 28 days; NULL: no session.",
    "views_per_session_28d": "view events per session, 28 days; NULL: no session.",
    "cart_loss_28d": "Sessions left with a cart over sessions, 28 days; NULL: no session.",
    "price_paid_90d": "Revenue per unit bought, 90 days, shop currency; NULL: nothing bought.",
    "price_seen_28d": "Mean price of products viewed, 28 days, shop currency; NULL: no view with a price.",
    "price_paid_to_seen": "price_paid_90d over price_seen_28d; NULL: one of them is.",
    "max_price_paid_90d": "Highest unit price paid, 90 days, shop currency; NULL: nothing bought with a price.",
    "discount_share_90d": "Discount over discount plus revenue, 90 days, 0 to 1; NULL: nothing bought.",
    "return_share_90d": "Value of returns over revenue, 90 days; NULL: no revenue.",
    "order_value_90d": "Revenue per order, 90 days, shop currency; NULL: no order.",
    "lines_per_order_90d": "Lines per order, 90 days; NULL: no order.",
    "products_per_order_90d": "Sum of daily distinct products over orders, 90 days; NULL: no order.",
    "categories_per_day_90d": "Sum of daily distinct categories per purchase day, 90 days; NULL: no purchase.",
    "favourite_share_90d": "Lines of favourite_category over order lines, 90 days, 0 to 1; NULL: nothing bought that has a "
    "category.",
    "night_share_90d": "Share of events from 0 to 6 o'clock, shop-local, 90 days; NULL: no event.",
    "morning_share_90d": "Share of events from 6 to 12 o'clock, shop-local, 90 days; NULL: no event.",
    "afternoon_share_90d": "Share of events from 12 to 18 o'clock, shop-local, 90 days; NULL: no event.",
    "evening_share_90d": "Share of events from 18 to 24 o'clock, shop-local, 90 days; NULL: no event.",
    "weekend_event_share_90d": "Share of events on Saturday or Sunday, 90 days; NULL: no event.",
    "weekend_share_90d": "Share of purchase days on Saturday or Sunday, 90 days, 0 to 1; NULL: none.",
}


def upgrade() -> None:
    _widen_rollup()
    _make_snapshots()
    _make_checkpoints()


def _widen_rollup() -> None:
    """Add the columns to an empty rollup: `customer_behavior.warehouse.migrate` fills it from raw.events afterwards."""
    op.execute("TRUNCATE features.customer_day")
    for name, kind, comment in ROLLUP:
        op.add_column("customer_day", required(name, kind, comment, server_default="0"), schema="features")
    for name in ("units", "revenue", "discount", "returned_value"):
        op.alter_column("customer_day", name, type_=DOUBLE, schema="features")
    for name, comment in ROLLUP_TEXTS:
        op.add_column("customer_day", optional(name, TEXT, comment), schema="features")


def _make_snapshots() -> None:
    """Make the table anew: snapshots are derived, and a run that needs one that is gone builds it."""
    op.drop_table("customer_snapshot", schema="features")
    table(
        "features",
        "customer_snapshot",
        "One row per customer known at as_of_date: what was known when the day before it ended (event_day < as_of_date and "
        "batch_date < as_of_date). Daily partitions. Meanings in words: docs/features.md.",
        required("as_of_date", DATE, "The date the row looks from: it holds nothing of this day or later."),
        required("customer_id", TEXT, "Customer."),
        required("days_since_event", INT, "Days from the last event of any type to as_of_date."),
        optional("days_since_purchase", INT, "Days from the last day with a purchase; NULL: never bought."),
        optional("days_since_view", INT, "Days from the last day with a view event; NULL: never viewed."),
        optional("days_since_cart", INT, "Days from the last day with a cart event; NULL: never put in a cart."),
        required("tenure_days", INT, "Days from the first known event to as_of_date."),
        *[
            required(f"{name}_{days}d", INT, f"{meaning} in the {days} days before as_of_date.", server_default="0")
            for name, meaning in COUNTS.items()
            for days in WINDOWS
        ],
        *[
            required(f"{name}_{days}d", DOUBLE, f"{meaning} in the {days} days before as_of_date.", server_default="0")
            for name, meaning in VALUES.items()
            for days in WINDOWS
        ],
        *[
            required(f"purchase_days_{days}d", INT, f"Days with a purchase in the {days} days before as_of_date.")
            for days in (7, 28, 90)
        ],
        *[
            optional(f"{name}_trend_28d", DOUBLE, f"{name} a day in 28 days over {name} a day in 90 days; NULL: none.")
            for name in TRENDS
        ],
        required("orders_lifetime", INT, "Orders since the first known event."),
        required("revenue_lifetime", DOUBLE, "Revenue since the first known event, shop currency."),
        required(
            "purchase_days_lifetime", INT, "Days with a purchase since the first known event.", server_default="0"
        ),
        *[optional(name, DOUBLE, meaning) for name, meaning in RATIOS.items()],
        required("products_90d", INT, "Sum of daily distinct products bought, 90 days.", server_default="0"),
        required("categories_90d", INT, "Sum of daily distinct categories bought from, 90 days.", server_default="0"),
        optional("favourite_category", TEXT, "Category that tops most order lines, 90 days; NULL: none bought."),
        optional(
            "best_hour", SMALLINT, "Shop-local hour with most orders in 90 days, 0 to 23, the earliest of equals."
        ),
        optional("best_weekday", SMALLINT, "Weekday with most purchase days in 90 days, 1 Monday to 7 Sunday."),
        optional("country", TEXT, "Country as last seen within 90 days."),
        optional("device", TEXT, "Device as last seen within 90 days."),
        optional("channel", TEXT, "Channel as last seen within 90 days."),
        optional(
            "flagged",
            TEXT,
            "staff or bot, by the rules of shop.yaml: neither trained on nor scored; NULL: an ordinary customer.",
        ),
        key="as_of_date, customer_id",
        by="as_of_date",
    )
    op.execute("GRANT SELECT ON features.customer_snapshot TO train, score, api")
    op.execute("GRANT INSERT, DELETE ON features.customer_snapshot TO train, score")


def _make_checkpoints() -> None:
    table(
        "features",
        "checkpoints",
        "One row per month for which features.customer_checkpoint holds what every customer did before it.",
        required(
            "checkpoint_date",
            DATE,
            "First of a month: the checkpoint holds the events of days before it.",
            primary_key=True,
        ),
        required(
            "known_until", DATE, "Batches before this date are in it: no later one may deliver events of its days."
        ),
        required("ledger", TEXT, "Fingerprint of the ledger it was made from; another one makes it stale."),
        now("built_at", "When it was made."),
    )
    table(
        "features",
        "customer_checkpoint",
        "One row per checkpoint and customer: lifetime sums of the days before checkpoint_date, so that a snapshot adds to "
        "them and reads no older day.",
        required("checkpoint_date", DATE, "First of a month."),
        required("customer_id", TEXT, "Customer."),
        required("first_event_day", DATE, "First day with an event."),
        required("last_event_day", DATE, "Last day with an event."),
        optional("last_view_day", DATE, "Last day with a view event."),
        optional("last_cart_day", DATE, "Last day with a cart event."),
        optional("first_purchase_day", DATE, "First day with an order."),
        optional("last_purchase_day", DATE, "Last day with an order."),
        required("purchase_days", INT, "Days with an order."),
        required("gap_squares", BIGINT, "Squares of the days between successive purchase days, added up."),
        required("orders", BIGINT, "Orders."),
        required("revenue", DOUBLE, "Revenue, shop currency."),
        key="checkpoint_date, customer_id",
    )
    for name in ("checkpoints", "customer_checkpoint"):
        op.execute(f"GRANT SELECT, INSERT, DELETE ON features.{name} TO train, score")


def downgrade() -> None:
    raise NotImplementedError("restore the dump taken before the upgrade: the older snapshots are not kept")
