-- Every customer known at :as_of: the features that features.yaml names without an aggregate, and the sums of windows for the others.
-- A sum is there when it is named here: windows.<column of customer_day>_<days>d.
SELECT
    rhythm.customer_id,
    rhythm.days_since_event,
    rhythm.days_since_purchase,
    rhythm.days_since_view,
    rhythm.days_since_cart,
    rhythm.tenure_days,
    coalesce(purchase_days.purchase_days_7d, 0) AS purchase_days_7d,
    coalesce(purchase_days.purchase_days_28d, 0) AS purchase_days_28d,
    coalesce(purchase_days.purchase_days_90d, 0) AS purchase_days_90d,
    rhythm.orders AS orders_lifetime,
    rhythm.revenue AS revenue_lifetime,
    rhythm.purchase_days AS purchase_days_lifetime,
    rhythm.revenue::double precision / nullif(rhythm.orders, 0) AS order_value_lifetime,
    rhythm.gap_mean_days,
    rhythm.gap_std_days,
    rhythm.gap_std_days / nullif(rhythm.gap_mean_days, 0) AS gap_variation,
    rhythm.days_since_purchase / nullif(rhythm.gap_mean_days, 0) AS cycle_position,
    windows.session_seconds_28d::double precision / 60 / nullif(windows.sessions_28d, 0) AS session_minutes_28d,
    (windows.revenue_90d::double precision / nullif(windows.units_90d, 0))
    / nullif(windows.seen_value_28d::double precision / nullif(windows.priced_views_28d, 0), 0) AS price_paid_to_seen,
    windows.discount_90d::double precision / nullif(windows.discount_90d + windows.revenue_90d, 0) AS discount_share_90d,
    windows.categories_90d::double precision / nullif(purchase_days.purchase_days_90d, 0) AS categories_per_day_90d,
    favourites.favourite_category,
    favourites.favourite_lines::double precision / nullif(windows.purchase_lines_90d, 0) AS favourite_share_90d,
    windows.weekend_events_90d::double precision / nullif(windows.events_90d, 0) AS weekend_event_share_90d,
    purchase_days.weekend_days_90d::double precision / nullif(purchase_days.purchase_days_90d, 0) AS weekend_share_90d,
    hours.best_hour,
    purchase_days.best_weekday,
    CASE
        WHEN rhythm.customer_id = any(cast(:staff AS text[])) THEN 'staff'
        WHEN bots.customer_id IS NOT NULL THEN 'bot'
    END AS flagged,
    windows.*
FROM rhythm
LEFT JOIN windows ON rhythm.customer_id = windows.window_customer
LEFT JOIN purchase_days ON rhythm.customer_id = purchase_days.customer_id
LEFT JOIN hours ON rhythm.customer_id = hours.customer_id
LEFT JOIN favourites ON rhythm.customer_id = favourites.customer_id
LEFT JOIN bots ON rhythm.customer_id = bots.customer_id
