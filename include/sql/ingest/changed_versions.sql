-- The versions of the touched days that changed something, each with the one that follows it; from the temporary table rolled.
CREATE TEMPORARY TABLE changed_versions ON COMMIT DROP AS
WITH told AS (
    SELECT
        versions.customer_id,
        versions.event_day,
        versions.version,
        CASE WHEN rolled.customer_id IS NOT NULL THEN row(
            rolled.events, rolled.views, rolled.carts, rolled.cart_removals, rolled.favourites, rolled.searches,
            rolled.purchase_lines, rolled.orders, rolled.return_lines, rolled.sessions, rolled.carts_left, rolled.session_seconds,
            rolled.units, rolled.revenue, rolled.discount, rolled.returned_value, rolled.cart_value, rolled.priced_views,
            rolled.seen_value, rolled.products, rolled.categories, rolled.max_price_paid, rolled.top_category,
            rolled.top_category_lines, rolled.purchase_hours, rolled.night_events, rolled.morning_events, rolled.afternoon_events,
            rolled.evening_events, rolled.country, rolled.device, rolled.channel, rolled.first_event_at, rolled.last_event_at,
            rolled.gross_revenue, rolled.charges
        ) END AS state
    FROM day_versions AS versions
    LEFT JOIN rolled
        ON
            versions.customer_id = rolled.customer_id
            AND versions.event_day = rolled.event_day
            AND versions.version = rolled.batch_date
),

followed AS (
    SELECT
        told.*,
        lag(told.state) OVER (PARTITION BY told.customer_id, told.event_day ORDER BY told.version) AS state_before
    FROM told
)

SELECT
    followed.customer_id,
    followed.event_day,
    followed.version AS batch_date,
    lead(followed.version) OVER (PARTITION BY followed.customer_id, followed.event_day ORDER BY followed.version) AS superseded_on
FROM followed
WHERE followed.state IS DISTINCT FROM followed.state_before
