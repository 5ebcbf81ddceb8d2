-- The sessions of :day after some of their first events (session_features), what was known of their customers (session_history),
-- and what became of them (session_events). Where nobody is named nothing is known of the past: NULL, not 0.
INSERT INTO features.session_snapshot (
    session_day, source, session_key, after_events, customer_id, snapshot_at, views, carts, cart_removals, searches, products,
    price_last, price_mean_seen, price_max_seen, cart_value, duration_seconds, seconds_since_last_event, hour, weekday, country,
    device, channel, category, is_known_customer, orders_90d, revenue_90d, days_since_purchase, days_since_event, sessions_28d,
    views_28d, carts_28d, bought, end_open, flagged
)
WITH outcomes AS (
    SELECT
        events.session_number,
        max(events.event_number) FILTER (WHERE events.event_type = 'purchase') AS last_purchase,
        max(events.event_time) AS last_event_at
    FROM session_events AS events
    GROUP BY events.session_number
)

SELECT
    :day AS session_day,
    moments.source,
    moments.session_key,
    moments.after_events,
    moments.customer_id,
    moments.snapshot_at,
    moments.views,
    moments.carts,
    moments.cart_removals,
    moments.searches,
    moments.products,
    moments.price_last,
    moments.price_mean_seen,
    moments.price_max_seen,
    moments.cart_value,
    moments.duration_seconds,
    moments.seconds_since_last_event,
    moments.hour,
    moments.weekday,
    moments.country,
    moments.device,
    moments.channel,
    moments.category,
    history.customer_id IS NOT NULL AS is_known_customer,
    CASE WHEN moments.customer_id IS NOT NULL THEN coalesce(history.orders_90d, 0) END AS orders_90d,
    CASE WHEN moments.customer_id IS NOT NULL THEN coalesce(history.revenue_90d, 0) END AS revenue_90d,
    history.days_since_purchase,
    history.days_since_event,
    CASE WHEN moments.customer_id IS NOT NULL THEN coalesce(history.sessions_28d, 0) END AS sessions_28d,
    CASE WHEN moments.customer_id IS NOT NULL THEN coalesce(history.views_28d, 0) END AS views_28d,
    CASE WHEN moments.customer_id IS NOT NULL THEN coalesce(history.carts_28d, 0) END AS carts_28d,
    coalesce(outcomes.last_purchase > moments.after_events, FALSE) AS bought,
    outcomes.last_event_at + make_interval(mins => :silence_minutes)
    >= cast(:day + 1 AS timestamp) AT TIME ZONE :timezone AS end_open,
    CASE
        WHEN moments.customer_id = any(cast(:staff AS text[])) THEN 'staff'
        WHEN history.is_bot THEN 'bot'
    END AS flagged
FROM session_features AS moments
INNER JOIN outcomes ON moments.session_number = outcomes.session_number
LEFT JOIN session_history AS history ON moments.customer_id = history.customer_id
ORDER BY moments.session_number, moments.after_events
