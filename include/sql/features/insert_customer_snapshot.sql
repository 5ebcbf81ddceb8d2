-- Every customer known at :as_of, as known when the day before it ended, from the temporary tables lifetime, bands and purchases.
-- Amounts are rounded to what customer_day keeps of them, which makes their sums exact.
INSERT INTO features.customer_snapshot
WITH windows AS (
    SELECT
        bands.customer_id,
        coalesce(sum(bands.events) FILTER (WHERE bands.band <= 1), 0) AS events_1d,
        coalesce(sum(bands.events) FILTER (WHERE bands.band <= 7), 0) AS events_7d,
        coalesce(sum(bands.events) FILTER (WHERE bands.band <= 28), 0) AS events_28d,
        coalesce(sum(bands.events), 0) AS events_90d,
        coalesce(sum(bands.views) FILTER (WHERE bands.band <= 1), 0) AS views_1d,
        coalesce(sum(bands.views) FILTER (WHERE bands.band <= 7), 0) AS views_7d,
        coalesce(sum(bands.views) FILTER (WHERE bands.band <= 28), 0) AS views_28d,
        coalesce(sum(bands.views), 0) AS views_90d,
        coalesce(sum(bands.carts) FILTER (WHERE bands.band <= 1), 0) AS carts_1d,
        coalesce(sum(bands.carts) FILTER (WHERE bands.band <= 7), 0) AS carts_7d,
        coalesce(sum(bands.carts) FILTER (WHERE bands.band <= 28), 0) AS carts_28d,
        coalesce(sum(bands.carts), 0) AS carts_90d,
        coalesce(sum(bands.cart_removals) FILTER (WHERE bands.band <= 1), 0) AS cart_removals_1d,
        coalesce(sum(bands.cart_removals) FILTER (WHERE bands.band <= 7), 0) AS cart_removals_7d,
        coalesce(sum(bands.cart_removals) FILTER (WHERE bands.band <= 28), 0) AS cart_removals_28d,
        coalesce(sum(bands.cart_removals), 0) AS cart_removals_90d,
        coalesce(sum(bands.favourites) FILTER (WHERE bands.band <= 1), 0) AS favourites_1d,
        coalesce(sum(bands.favourites) FILTER (WHERE bands.band <= 7), 0) AS favourites_7d,
        coalesce(sum(bands.favourites) FILTER (WHERE bands.band <= 28), 0) AS favourites_28d,
        coalesce(sum(bands.favourites), 0) AS favourites_90d,
        coalesce(sum(bands.searches) FILTER (WHERE bands.band <= 1), 0) AS searches_1d,
        coalesce(sum(bands.searches) FILTER (WHERE bands.band <= 7), 0) AS searches_7d,
        coalesce(sum(bands.searches) FILTER (WHERE bands.band <= 28), 0) AS searches_28d,
        coalesce(sum(bands.searches), 0) AS searches_90d,
        coalesce(sum(bands.sessions) FILTER (WHERE bands.band <= 1), 0) AS sessions_1d,
        coalesce(sum(bands.sessions) FILTER (WHERE bands.band <= 7), 0) AS sessions_7d,
        coalesce(sum(bands.sessions) FILTER (WHERE bands.band <= 28), 0) AS sessions_28d,
        coalesce(sum(bands.sessions), 0) AS sessions_90d,
        coalesce(sum(bands.carts_left) FILTER (WHERE bands.band <= 1), 0) AS carts_left_1d,
        coalesce(sum(bands.carts_left) FILTER (WHERE bands.band <= 7), 0) AS carts_left_7d,
        coalesce(sum(bands.carts_left) FILTER (WHERE bands.band <= 28), 0) AS carts_left_28d,
        coalesce(sum(bands.carts_left), 0) AS carts_left_90d,
        coalesce(sum(bands.orders) FILTER (WHERE bands.band <= 1), 0) AS orders_1d,
        coalesce(sum(bands.orders) FILTER (WHERE bands.band <= 7), 0) AS orders_7d,
        coalesce(sum(bands.orders) FILTER (WHERE bands.band <= 28), 0) AS orders_28d,
        coalesce(sum(bands.orders), 0) AS orders_90d,
        coalesce(sum(bands.purchase_lines) FILTER (WHERE bands.band <= 1), 0) AS purchase_lines_1d,
        coalesce(sum(bands.purchase_lines) FILTER (WHERE bands.band <= 7), 0) AS purchase_lines_7d,
        coalesce(sum(bands.purchase_lines) FILTER (WHERE bands.band <= 28), 0) AS purchase_lines_28d,
        coalesce(sum(bands.purchase_lines), 0) AS purchase_lines_90d,
        coalesce(sum(bands.return_lines) FILTER (WHERE bands.band <= 1), 0) AS return_lines_1d,
        coalesce(sum(bands.return_lines) FILTER (WHERE bands.band <= 7), 0) AS return_lines_7d,
        coalesce(sum(bands.return_lines) FILTER (WHERE bands.band <= 28), 0) AS return_lines_28d,
        coalesce(sum(bands.return_lines), 0) AS return_lines_90d,
        round(coalesce(sum(bands.revenue) FILTER (WHERE bands.band <= 1), 0) * 10000) / 10000 AS revenue_1d,
        round(coalesce(sum(bands.revenue) FILTER (WHERE bands.band <= 7), 0) * 10000) / 10000 AS revenue_7d,
        round(coalesce(sum(bands.revenue) FILTER (WHERE bands.band <= 28), 0) * 10000) / 10000 AS revenue_28d,
        round(coalesce(sum(bands.revenue), 0) * 10000) / 10000 AS revenue_90d,
        round(coalesce(sum(bands.discount) FILTER (WHERE bands.band <= 1), 0) * 10000) / 10000 AS discount_1d,
        round(coalesce(sum(bands.discount) FILTER (WHERE bands.band <= 7), 0) * 10000) / 10000 AS discount_7d,
        round(coalesce(sum(bands.discount) FILTER (WHERE bands.band <= 28), 0) * 10000) / 10000 AS discount_28d,
        round(coalesce(sum(bands.discount), 0) * 10000) / 10000 AS discount_90d,
        round(coalesce(sum(bands.returned_value) FILTER (WHERE bands.band <= 1), 0) * 10000) / 10000 AS returned_value_1d,
        round(coalesce(sum(bands.returned_value) FILTER (WHERE bands.band <= 7), 0) * 10000) / 10000 AS returned_value_7d,
        round(coalesce(sum(bands.returned_value) FILTER (WHERE bands.band <= 28), 0) * 10000) / 10000 AS returned_value_28d,
        round(coalesce(sum(bands.returned_value), 0) * 10000) / 10000 AS returned_value_90d,
        round(coalesce(sum(bands.cart_value) FILTER (WHERE bands.band <= 1), 0) * 10000) / 10000 AS cart_value_1d,
        round(coalesce(sum(bands.cart_value) FILTER (WHERE bands.band <= 7), 0) * 10000) / 10000 AS cart_value_7d,
        round(coalesce(sum(bands.cart_value) FILTER (WHERE bands.band <= 28), 0) * 10000) / 10000 AS cart_value_28d,
        round(coalesce(sum(bands.cart_value), 0) * 10000) / 10000 AS cart_value_90d,
        round(sum(bands.units) * 10000) / 10000 AS units_90d,
        sum(bands.session_seconds) FILTER (WHERE bands.band <= 28) AS session_seconds_28d,
        sum(bands.priced_views) FILTER (WHERE bands.band <= 28) AS priced_views_28d,
        round(sum(bands.seen_value) FILTER (WHERE bands.band <= 28) * 10000) / 10000 AS seen_value_28d,
        sum(bands.products) AS products_90d,
        sum(bands.categories) AS categories_90d,
        max(bands.max_price_paid) AS max_price_paid_90d,
        sum(bands.night_events) AS night_events_90d,
        sum(bands.morning_events) AS morning_events_90d,
        sum(bands.afternoon_events) AS afternoon_events_90d,
        sum(bands.evening_events) AS evening_events_90d,
        coalesce(sum(bands.weekend_events), 0) AS weekend_events_90d,
        substr(max(bands.country), 2) AS country,
        substr(max(bands.device), 2) AS device,
        substr(max(bands.channel), 2) AS channel
    FROM bands
    GROUP BY bands.customer_id
),

purchase_days AS (
    SELECT
        days.customer_id,
        count(*) FILTER (WHERE days.event_day >= :as_of - 7) AS purchase_days_7d,
        count(*) FILTER (WHERE days.event_day >= :as_of - 28) AS purchase_days_28d,
        count(*) AS purchase_days_90d,
        count(*) FILTER (WHERE extract(ISODOW FROM days.event_day) >= 6) AS weekend_days_90d,
        mode() WITHIN GROUP (ORDER BY extract(ISODOW FROM days.event_day)) AS best_weekday
    FROM (SELECT DISTINCT purchases.customer_id, purchases.event_day FROM purchases) AS days
    GROUP BY days.customer_id
),

hours AS (
    SELECT purchases.customer_id, mode() WITHIN GROUP (ORDER BY begun.start_hour) AS best_hour
    FROM purchases
    CROSS JOIN LATERAL unnest(purchases.purchase_hours) AS begun (start_hour)
    GROUP BY purchases.customer_id
),

favourites AS (
    SELECT DISTINCT ON (sums.customer_id)
        sums.customer_id,
        sums.top_category AS favourite_category,
        sums.favourite_lines
    FROM (
        SELECT purchases.customer_id, purchases.top_category, sum(purchases.top_category_lines) AS favourite_lines
        FROM purchases
        WHERE purchases.top_category IS NOT NULL
        GROUP BY purchases.customer_id, purchases.top_category
    ) AS sums
    ORDER BY sums.customer_id ASC, sums.favourite_lines DESC, sums.top_category COLLATE "C" ASC
),

bots AS (
    SELECT DISTINCT days.customer_id
    FROM (
        SELECT rollup.customer_id
        FROM features.customer_day AS rollup
        INNER JOIN (
            SELECT windows.customer_id
            FROM windows
            WHERE windows.events_90d > :max_events OR windows.orders_90d > :max_orders
        ) AS busy ON rollup.customer_id = busy.customer_id
        WHERE
            rollup.event_day >= :as_of - 90 AND rollup.event_day < :as_of AND rollup.batch_date < :as_of
            AND (rollup.superseded_on IS NULL OR rollup.superseded_on >= :as_of)
        GROUP BY rollup.customer_id, rollup.event_day
        HAVING sum(rollup.events) > :max_events OR sum(rollup.orders) > :max_orders
    ) AS days
),

rhythm AS (
    SELECT
        lifetime.*,
        CASE
            WHEN lifetime.purchase_days >= 2
                THEN
                    (lifetime.last_purchase_day - lifetime.first_purchase_day)::double precision
                    / (lifetime.purchase_days - 1)
        END AS gap_mean_days,
        -- m gaps: their sum is the days from first to last purchase, so (m * squares - sum * sum) / (m * (m - 1)), exact until the root.
        CASE
            WHEN lifetime.purchase_days >= 3
                THEN
                    sqrt(
                        (
                            (lifetime.purchase_days - 1) * lifetime.gap_squares
                            - (lifetime.last_purchase_day - lifetime.first_purchase_day)::bigint
                            * (lifetime.last_purchase_day - lifetime.first_purchase_day)
                        )::double precision
                        / ((lifetime.purchase_days - 1)::bigint * (lifetime.purchase_days - 2))
                    )
        END AS gap_std_days
    FROM lifetime
)

SELECT
    :as_of AS as_of_date,
    rhythm.customer_id,
    :as_of - rhythm.last_event_day AS days_since_event,
    :as_of - rhythm.last_purchase_day AS days_since_purchase,
    :as_of - rhythm.last_view_day AS days_since_view,
    :as_of - rhythm.last_cart_day AS days_since_cart,
    :as_of - rhythm.first_event_day AS tenure_days,
    coalesce(windows.events_1d, 0) AS events_1d,
    coalesce(windows.events_7d, 0) AS events_7d,
    coalesce(windows.events_28d, 0) AS events_28d,
    coalesce(windows.events_90d, 0) AS events_90d,
    coalesce(windows.views_1d, 0) AS views_1d,
    coalesce(windows.views_7d, 0) AS views_7d,
    coalesce(windows.views_28d, 0) AS views_28d,
    coalesce(windows.views_90d, 0) AS views_90d,
    coalesce(windows.carts_1d, 0) AS carts_1d,
    coalesce(windows.carts_7d, 0) AS carts_7d,
    coalesce(windows.carts_28d, 0) AS carts_28d,
    coalesce(windows.carts_90d, 0) AS carts_90d,
    coalesce(windows.cart_removals_1d, 0) AS cart_removals_1d,
    coalesce(windows.cart_removals_7d, 0) AS cart_removals_7d,
    coalesce(windows.cart_removals_28d, 0) AS cart_removals_28d,
    coalesce(windows.cart_removals_90d, 0) AS cart_removals_90d,
    coalesce(windows.favourites_1d, 0) AS favourites_1d,
    coalesce(windows.favourites_7d, 0) AS favourites_7d,
    coalesce(windows.favourites_28d, 0) AS favourites_28d,
    coalesce(windows.favourites_90d, 0) AS favourites_90d,
    coalesce(windows.searches_1d, 0) AS searches_1d,
    coalesce(windows.searches_7d, 0) AS searches_7d,
    coalesce(windows.searches_28d, 0) AS searches_28d,
    coalesce(windows.searches_90d, 0) AS searches_90d,
    coalesce(windows.sessions_1d, 0) AS sessions_1d,
    coalesce(windows.sessions_7d, 0) AS sessions_7d,
    coalesce(windows.sessions_28d, 0) AS sessions_28d,
    coalesce(windows.sessions_90d, 0) AS sessions_90d,
    coalesce(windows.carts_left_1d, 0) AS carts_left_1d,
    coalesce(windows.carts_left_7d, 0) AS carts_left_7d,
    coalesce(windows.carts_left_28d, 0) AS carts_left_28d,
    coalesce(windows.carts_left_90d, 0) AS carts_left_90d,
    coalesce(windows.orders_1d, 0) AS orders_1d,
    coalesce(windows.orders_7d, 0) AS orders_7d,
    coalesce(windows.orders_28d, 0) AS orders_28d,
    coalesce(windows.orders_90d, 0) AS orders_90d,
    coalesce(windows.purchase_lines_1d, 0) AS purchase_lines_1d,
    coalesce(windows.purchase_lines_7d, 0) AS purchase_lines_7d,
    coalesce(windows.purchase_lines_28d, 0) AS purchase_lines_28d,
    coalesce(windows.purchase_lines_90d, 0) AS purchase_lines_90d,
    coalesce(windows.return_lines_1d, 0) AS return_lines_1d,
    coalesce(windows.return_lines_7d, 0) AS return_lines_7d,
    coalesce(windows.return_lines_28d, 0) AS return_lines_28d,
    coalesce(windows.return_lines_90d, 0) AS return_lines_90d,
    coalesce(windows.revenue_1d, 0) AS revenue_1d,
    coalesce(windows.revenue_7d, 0) AS revenue_7d,
    coalesce(windows.revenue_28d, 0) AS revenue_28d,
    coalesce(windows.revenue_90d, 0) AS revenue_90d,
    coalesce(windows.discount_1d, 0) AS discount_1d,
    coalesce(windows.discount_7d, 0) AS discount_7d,
    coalesce(windows.discount_28d, 0) AS discount_28d,
    coalesce(windows.discount_90d, 0) AS discount_90d,
    coalesce(windows.returned_value_1d, 0) AS returned_value_1d,
    coalesce(windows.returned_value_7d, 0) AS returned_value_7d,
    coalesce(windows.returned_value_28d, 0) AS returned_value_28d,
    coalesce(windows.returned_value_90d, 0) AS returned_value_90d,
    coalesce(windows.cart_value_1d, 0) AS cart_value_1d,
    coalesce(windows.cart_value_7d, 0) AS cart_value_7d,
    coalesce(windows.cart_value_28d, 0) AS cart_value_28d,
    coalesce(windows.cart_value_90d, 0) AS cart_value_90d,
    coalesce(purchase_days.purchase_days_7d, 0) AS purchase_days_7d,
    coalesce(purchase_days.purchase_days_28d, 0) AS purchase_days_28d,
    coalesce(purchase_days.purchase_days_90d, 0) AS purchase_days_90d,
    (windows.events_28d / 28.0::double precision) / nullif(windows.events_90d / 90.0::double precision, 0) AS events_trend_28d,
    (windows.views_28d / 28.0::double precision) / nullif(windows.views_90d / 90.0::double precision, 0) AS views_trend_28d,
    (windows.carts_28d / 28.0::double precision) / nullif(windows.carts_90d / 90.0::double precision, 0) AS carts_trend_28d,
    (windows.sessions_28d / 28.0::double precision) / nullif(windows.sessions_90d / 90.0::double precision, 0) AS sessions_trend_28d,
    (windows.orders_28d / 28.0::double precision) / nullif(windows.orders_90d / 90.0::double precision, 0) AS orders_trend_28d,
    (windows.revenue_28d / 28.0::double precision) / nullif(windows.revenue_90d / 90.0::double precision, 0) AS revenue_trend_28d,
    rhythm.orders AS orders_lifetime,
    rhythm.revenue AS revenue_lifetime,
    rhythm.purchase_days AS purchase_days_lifetime,
    rhythm.revenue::double precision / nullif(rhythm.orders, 0) AS order_value_lifetime,
    rhythm.gap_mean_days AS gap_mean_days,
    rhythm.gap_std_days AS gap_std_days,
    rhythm.gap_std_days / nullif(rhythm.gap_mean_days, 0) AS gap_variation,
    (:as_of - rhythm.last_purchase_day) / nullif(rhythm.gap_mean_days, 0) AS cycle_position,
    windows.session_seconds_28d::double precision / 60 / nullif(windows.sessions_28d, 0) AS session_minutes_28d,
    windows.views_28d::double precision / nullif(windows.sessions_28d, 0) AS views_per_session_28d,
    windows.carts_left_28d::double precision / nullif(windows.sessions_28d, 0) AS cart_loss_28d,
    windows.revenue_90d::double precision / nullif(windows.units_90d, 0) AS price_paid_90d,
    windows.seen_value_28d::double precision / nullif(windows.priced_views_28d, 0) AS price_seen_28d,
    (windows.revenue_90d::double precision / nullif(windows.units_90d, 0))
    / nullif(windows.seen_value_28d::double precision / nullif(windows.priced_views_28d, 0), 0) AS price_paid_to_seen,
    windows.max_price_paid_90d AS max_price_paid_90d,
    windows.discount_90d::double precision / nullif(windows.discount_90d + windows.revenue_90d, 0) AS discount_share_90d,
    windows.returned_value_90d::double precision / nullif(windows.revenue_90d, 0) AS return_share_90d,
    windows.revenue_90d::double precision / nullif(windows.orders_90d, 0) AS order_value_90d,
    windows.purchase_lines_90d::double precision / nullif(windows.orders_90d, 0) AS lines_per_order_90d,
    windows.products_90d::double precision / nullif(windows.orders_90d, 0) AS products_per_order_90d,
    windows.categories_90d::double precision / nullif(purchase_days.purchase_days_90d, 0) AS categories_per_day_90d,
    favourites.favourite_lines::double precision / nullif(windows.purchase_lines_90d, 0) AS favourite_share_90d,
    windows.night_events_90d::double precision / nullif(windows.events_90d, 0) AS night_share_90d,
    windows.morning_events_90d::double precision / nullif(windows.events_90d, 0) AS morning_share_90d,
    windows.afternoon_events_90d::double precision / nullif(windows.events_90d, 0) AS afternoon_share_90d,
    windows.evening_events_90d::double precision / nullif(windows.events_90d, 0) AS evening_share_90d,
    windows.weekend_events_90d::double precision / nullif(windows.events_90d, 0) AS weekend_event_share_90d,
    purchase_days.weekend_days_90d::double precision / nullif(purchase_days.purchase_days_90d, 0) AS weekend_share_90d,
    coalesce(windows.products_90d, 0) AS products_90d,
    coalesce(windows.categories_90d, 0) AS categories_90d,
    favourites.favourite_category,
    hours.best_hour,
    purchase_days.best_weekday,
    windows.country,
    windows.device,
    windows.channel,
    CASE
        WHEN rhythm.customer_id = any(cast(:staff AS text[])) THEN 'staff'
        WHEN bots.customer_id IS NOT NULL THEN 'bot'
    END AS flagged
FROM rhythm
LEFT JOIN windows ON rhythm.customer_id = windows.customer_id
LEFT JOIN purchase_days ON rhythm.customer_id = purchase_days.customer_id
LEFT JOIN hours ON rhythm.customer_id = hours.customer_id
LEFT JOIN favourites ON rhythm.customer_id = favourites.customer_id
LEFT JOIN bots ON rhythm.customer_id = bots.customer_id
