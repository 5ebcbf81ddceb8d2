-- What was known at :day of the customers of session_features: the 90 days before it, in windows that end with the day before.
CREATE TEMPORARY TABLE session_history ON COMMIT DROP AS
SELECT
    rollup.customer_id,
    sum(rollup.orders) AS orders_90d,
    round(sum(rollup.revenue) * 10000) / 10000 AS revenue_90d,
    :day - max(rollup.event_day) FILTER (WHERE rollup.orders > 0) AS days_since_purchase,
    :day - max(rollup.event_day) AS days_since_event,
    coalesce(sum(rollup.sessions) FILTER (WHERE rollup.event_day >= :day - 28), 0) AS sessions_28d,
    coalesce(sum(rollup.views) FILTER (WHERE rollup.event_day >= :day - 28), 0) AS views_28d,
    coalesce(sum(rollup.carts) FILTER (WHERE rollup.event_day >= :day - 28), 0) AS carts_28d
FROM features.customer_day AS rollup
INNER JOIN (
    SELECT DISTINCT customer_id
    FROM session_features
) AS visitors ON rollup.customer_id = visitors.customer_id
WHERE rollup.event_day >= :day - 90 AND rollup.event_day < :day AND rollup.batch_date < :day
GROUP BY rollup.customer_id
