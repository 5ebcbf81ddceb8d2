-- What was known at :day of the customers of session_features: the 90 days before it, in windows that end with the day before.
CREATE TEMPORARY TABLE session_history ON COMMIT DROP AS
SELECT
    days.customer_id,
    sum(days.orders) AS orders_90d,
    round(sum(days.revenue) * 10000) / 10000 AS revenue_90d,
    :day - max(days.event_day) FILTER (WHERE days.orders > 0) AS days_since_purchase,
    :day - max(days.event_day) AS days_since_event,
    coalesce(sum(days.sessions) FILTER (WHERE days.event_day >= :day - 28), 0) AS sessions_28d,
    coalesce(sum(days.views) FILTER (WHERE days.event_day >= :day - 28), 0) AS views_28d,
    coalesce(sum(days.carts) FILTER (WHERE days.event_day >= :day - 28), 0) AS carts_28d,
    bool_or(days.events > :max_events OR days.orders > :max_orders) AS is_bot
FROM (
    SELECT
        rollup.customer_id,
        rollup.event_day,
        sum(rollup.events) AS events,
        sum(rollup.orders) AS orders,
        sum(rollup.revenue) AS revenue,
        sum(rollup.sessions) AS sessions,
        sum(rollup.views) AS views,
        sum(rollup.carts) AS carts
    FROM features.customer_day AS rollup
    INNER JOIN (
        SELECT DISTINCT customer_id
        FROM session_features
    ) AS visitors ON rollup.customer_id = visitors.customer_id
    WHERE
        rollup.event_day >= :day - 90 AND rollup.event_day < :day AND rollup.batch_date < :day
        AND (rollup.superseded_on IS NULL OR rollup.superseded_on >= :day)
    GROUP BY rollup.customer_id, rollup.event_day
) AS days
GROUP BY days.customer_id
