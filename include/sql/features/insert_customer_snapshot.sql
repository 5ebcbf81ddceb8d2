-- Every customer known at :as_of, as known when the day before it ended: event_day < as_of and batch_date < as_of.
INSERT INTO features.customer_snapshot
WITH days AS MATERIALIZED (
    SELECT
        rollup.customer_id,
        rollup.event_day,
        :as_of - rollup.event_day AS days_ago,
        sum(rollup.events) AS events,
        sum(rollup.views) AS views,
        sum(rollup.carts) AS carts,
        sum(rollup.sessions) AS sessions,
        sum(rollup.purchase_lines) AS purchase_lines,
        sum(rollup.orders) AS orders,
        sum(rollup.revenue) AS revenue,
        sum(rollup.discount) AS discount,
        sum(rollup.returned_value) AS returned_value,
        sum(rollup.products) AS products,
        sum(rollup.categories) AS categories
    FROM features.customer_day AS rollup
    WHERE rollup.event_day < :as_of AND rollup.batch_date < :as_of
    GROUP BY rollup.customer_id, rollup.event_day
),

windows AS (
    SELECT
        days.customer_id,
        min(days.days_ago) AS days_since_event,
        min(days.days_ago) FILTER (WHERE days.orders > 0) AS days_since_purchase,
        max(days.days_ago) AS tenure_days,
        coalesce(sum(days.orders) FILTER (WHERE days.days_ago <= 7), 0) AS orders_7d,
        coalesce(sum(days.orders) FILTER (WHERE days.days_ago <= 28), 0) AS orders_28d,
        coalesce(sum(days.orders) FILTER (WHERE days.days_ago <= 90), 0) AS orders_90d,
        count(*) FILTER (WHERE days.orders > 0 AND days.days_ago <= 7) AS purchase_days_7d,
        count(*) FILTER (WHERE days.orders > 0 AND days.days_ago <= 28) AS purchase_days_28d,
        count(*) FILTER (WHERE days.orders > 0 AND days.days_ago <= 90) AS purchase_days_90d,
        coalesce(sum(days.revenue) FILTER (WHERE days.days_ago <= 7), 0) AS revenue_7d,
        coalesce(sum(days.revenue) FILTER (WHERE days.days_ago <= 28), 0) AS revenue_28d,
        coalesce(sum(days.revenue) FILTER (WHERE days.days_ago <= 90), 0) AS revenue_90d,
        coalesce(sum(days.views) FILTER (WHERE days.days_ago <= 28), 0) AS views_28d,
        coalesce(sum(days.carts) FILTER (WHERE days.days_ago <= 28), 0) AS carts_28d,
        coalesce(sum(days.sessions) FILTER (WHERE days.days_ago <= 28), 0) AS sessions_28d,
        coalesce(sum(days.purchase_lines) FILTER (WHERE days.days_ago <= 28), 0) AS purchase_lines_28d,
        coalesce(sum(days.returned_value) FILTER (WHERE days.days_ago <= 90), 0) AS returned_value_90d,
        sum(days.orders) AS orders_lifetime,
        sum(days.revenue) AS revenue_lifetime,
        sum(days.purchase_lines) FILTER (WHERE days.days_ago <= 90) AS purchase_lines_90d,
        sum(days.discount) FILTER (WHERE days.days_ago <= 90) AS discount_90d,
        sum(days.products) FILTER (WHERE days.days_ago <= 90) AS products_90d,
        sum(days.categories) FILTER (WHERE days.days_ago <= 90) AS categories_90d,
        count(*) FILTER (
            WHERE days.orders > 0 AND days.days_ago <= 90 AND extract(ISODOW FROM days.event_day) >= 6
        ) AS weekend_days_90d,
        mode() WITHIN GROUP (ORDER BY extract(ISODOW FROM days.event_day))
        FILTER (WHERE days.orders > 0 AND days.days_ago <= 90) AS best_weekday
    FROM days
    GROUP BY days.customer_id
),

gaps AS (
    SELECT steps.customer_id, avg(steps.gap) AS gap_mean_days, stddev_samp(steps.gap) AS gap_std_days
    FROM (
        SELECT
            days.customer_id,
            days.event_day - lag(days.event_day) OVER (PARTITION BY days.customer_id ORDER BY days.event_day) AS gap
        FROM days
        WHERE days.orders > 0 AND days.days_ago <= 365
    ) AS steps
    GROUP BY steps.customer_id
),

hours AS (
    SELECT rollup.customer_id, mode() WITHIN GROUP (ORDER BY begun.start_hour) AS best_hour
    FROM features.customer_day AS rollup
    CROSS JOIN LATERAL unnest(rollup.purchase_hours) AS begun (start_hour)
    WHERE rollup.event_day < :as_of AND rollup.batch_date < :as_of AND rollup.event_day >= :as_of - 90
    GROUP BY rollup.customer_id
)

SELECT
    :as_of AS as_of_date,
    windows.customer_id,
    windows.days_since_event,
    windows.days_since_purchase,
    windows.tenure_days,
    windows.orders_7d,
    windows.orders_28d,
    windows.orders_90d,
    windows.purchase_days_7d,
    windows.purchase_days_28d,
    windows.purchase_days_90d,
    windows.revenue_7d,
    windows.revenue_28d,
    windows.revenue_90d,
    windows.views_28d,
    windows.carts_28d,
    windows.sessions_28d,
    windows.purchase_lines_28d,
    windows.returned_value_90d,
    windows.orders_lifetime,
    windows.revenue_lifetime,
    windows.revenue_90d / nullif(windows.orders_90d, 0) AS order_value_90d,
    windows.purchase_lines_90d / nullif(windows.orders_90d, 0) AS lines_per_order_90d,
    windows.discount_90d / nullif(windows.discount_90d + windows.revenue_90d, 0) AS discount_share_90d,
    windows.products_90d / nullif(windows.orders_90d, 0) AS products_per_order_90d,
    windows.categories_90d / nullif(windows.purchase_days_90d, 0) AS categories_per_day_90d,
    windows.weekend_days_90d::double precision / nullif(windows.purchase_days_90d, 0) AS weekend_share_90d,
    gaps.gap_mean_days,
    gaps.gap_std_days,
    windows.days_since_purchase / nullif(gaps.gap_mean_days, 0) AS cycle_position,
    (windows.orders_28d / 28.0) / nullif(windows.orders_90d / 90.0, 0) AS orders_trend_28d,
    hours.best_hour,
    windows.best_weekday
FROM windows
LEFT JOIN gaps USING (customer_id)
LEFT JOIN hours USING (customer_id)
ORDER BY windows.customer_id;
