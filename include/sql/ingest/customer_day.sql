-- Each customer's day as known with each batch, from day_events. One definition for two engines: PostgreSQL runs it over
-- raw.events, DuckDB over what a load has just read; keep to what both understand, and to exact numbers, of which amounts keep four
-- decimals: a reader who adds them up and rounds to four decimals again has the exact sum, whatever its order.
-- An order is its order id, without one its session, without that its moment; it counts on the day it began (starts_order). Visits are
-- added up before days, and what is asked of purchases alone, which are few, is asked apart. Of several texts of a day the last of the
-- alphabet stands for it.
WITH orders AS (
    SELECT
        customer_id, event_day, batch_date,
        count(*) AS orders,
        array_agg(start_hour ORDER BY start_hour) AS purchase_hours
    FROM (
        SELECT customer_id, event_day, batch_date, order_key, min(local_hour) AS start_hour
        FROM day_events
        WHERE event_type = 'purchase' AND starts_order
        GROUP BY customer_id, event_day, batch_date, order_key
    ) AS starts
    GROUP BY customer_id, event_day, batch_date
),

bought AS (
    SELECT
        customer_id, event_day, batch_date,
        count(*) AS purchase_lines,
        sum(quantity) AS units,
        sum(quantity * (price - coalesce(refunded, 0))) AS revenue,
        sum(quantity * discount) AS discount,
        count(DISTINCT product_id) AS products,
        count(DISTINCT category) AS categories,
        max(price) AS max_price_paid
    FROM day_events
    WHERE event_type = 'purchase'
    GROUP BY customer_id, event_day, batch_date
),

favourites AS (
    SELECT customer_id, event_day, batch_date, category AS top_category, lines AS top_category_lines
    FROM (
        SELECT
            customer_id, event_day, batch_date, category,
            count(*) AS lines,
            row_number() OVER (
                PARTITION BY customer_id, event_day, batch_date ORDER BY count(*) DESC, category COLLATE "C"
            ) AS place
        FROM day_events
        WHERE event_type = 'purchase' AND category IS NOT NULL
        GROUP BY customer_id, event_day, batch_date, category
    ) AS ranked
    WHERE place = 1
),

paid AS (
    SELECT
        customer_id, event_day, batch_date,
        sum(quantity * price) FILTER (WHERE charge IS NULL) AS gross_revenue,
        sum(quantity * price) FILTER (WHERE charge IS NOT NULL) AS charges
    FROM day_events
    WHERE event_type = 'purchase' OR refunded IS NOT NULL OR charge IS NOT NULL
    GROUP BY customer_id, event_day, batch_date
),

returned AS (
    SELECT customer_id, event_day, batch_date, count(*) AS return_lines, sum(quantity * price) AS returned_value
    FROM day_events
    WHERE event_type = 'return'
    GROUP BY customer_id, event_day, batch_date
),

carted AS (
    SELECT customer_id, event_day, batch_date, sum(quantity * price) AS cart_value
    FROM day_events
    WHERE event_type = 'cart'
    GROUP BY customer_id, event_day, batch_date
),

visits AS (
    SELECT
        customer_id, event_day, batch_date, session_id,
        min(source) AS source,
        count(*) AS events,
        count(*) FILTER (WHERE event_type = 'view') AS views,
        count(*) FILTER (WHERE event_type = 'cart') AS carts,
        count(*) FILTER (WHERE event_type = 'remove_from_cart') AS cart_removals,
        count(*) FILTER (WHERE event_type = 'favourite') AS favourites,
        count(*) FILTER (WHERE event_type = 'search') AS searches,
        count(*) FILTER (WHERE event_type = 'purchase') AS purchase_lines,
        count(price) FILTER (WHERE event_type = 'view') AS priced_views,
        sum(price) FILTER (WHERE event_type = 'view') AS seen_value,
        count(*) FILTER (WHERE local_hour < 6) AS night_events,
        count(*) FILTER (WHERE local_hour >= 6 AND local_hour < 12) AS morning_events,
        count(*) FILTER (WHERE local_hour >= 12 AND local_hour < 18) AS afternoon_events,
        max(country COLLATE "C") AS country,
        max(device COLLATE "C") AS device,
        max(channel COLLATE "C") AS channel,
        min(event_time) AS first_event_at,
        max(event_time) AS last_event_at
    FROM day_events
    GROUP BY customer_id, event_day, batch_date, session_id
),

days AS (
    SELECT
        customer_id, event_day, batch_date,
        min(source) AS source,
        sum(events) AS events,
        sum(views) AS views,
        sum(carts) AS carts,
        sum(cart_removals) AS cart_removals,
        sum(favourites) AS favourites,
        sum(searches) AS searches,
        count(session_id) AS sessions,
        count(*) FILTER (WHERE carts > 0 AND purchase_lines = 0) AS carts_left,
        sum(floor(extract(EPOCH FROM (last_event_at - first_event_at)))) FILTER (
            WHERE session_id IS NOT NULL
        ) AS session_seconds,
        sum(priced_views) AS priced_views,
        sum(seen_value) AS seen_value,
        sum(night_events) AS night_events,
        sum(morning_events) AS morning_events,
        sum(afternoon_events) AS afternoon_events,
        max(country) AS country,
        max(device) AS device,
        max(channel) AS channel,
        min(first_event_at) AS first_event_at,
        max(last_event_at) AS last_event_at
    FROM visits
    GROUP BY customer_id, event_day, batch_date
)

SELECT
    days.customer_id,
    days.event_day,
    days.batch_date,
    days.source,
    days.events,
    days.views,
    days.carts,
    days.cart_removals,
    days.favourites,
    days.searches,
    coalesce(bought.purchase_lines, 0) AS purchase_lines,
    coalesce(orders.orders, 0) AS orders,
    coalesce(returned.return_lines, 0) AS return_lines,
    days.sessions,
    days.carts_left,
    cast(coalesce(days.session_seconds, 0) AS bigint) AS session_seconds,
    cast(round(coalesce(bought.units, 0), 4) AS double precision) AS units,
    cast(round(coalesce(bought.revenue, 0), 4) AS double precision) AS revenue,
    cast(round(coalesce(bought.discount, 0), 4) AS double precision) AS discount,
    cast(round(coalesce(returned.returned_value, 0), 4) AS double precision) AS returned_value,
    cast(round(coalesce(carted.cart_value, 0), 4) AS double precision) AS cart_value,
    days.priced_views,
    cast(round(coalesce(days.seen_value, 0), 4) AS double precision) AS seen_value,
    coalesce(bought.products, 0) AS products,
    coalesce(bought.categories, 0) AS categories,
    bought.max_price_paid,
    favourites.top_category,
    coalesce(favourites.top_category_lines, 0) AS top_category_lines,
    orders.purchase_hours,
    days.night_events,
    days.morning_events,
    days.afternoon_events,
    days.events - days.night_events - days.morning_events - days.afternoon_events AS evening_events,
    days.country,
    days.device,
    days.channel,
    days.first_event_at,
    days.last_event_at,
    cast(round(coalesce(paid.gross_revenue, 0), 4) AS double precision) AS gross_revenue,
    cast(round(coalesce(paid.charges, 0), 4) AS double precision) AS charges
FROM days
LEFT JOIN orders USING (customer_id, event_day, batch_date)
LEFT JOIN bought USING (customer_id, event_day, batch_date)
LEFT JOIN paid USING (customer_id, event_day, batch_date)
LEFT JOIN favourites USING (customer_id, event_day, batch_date)
LEFT JOIN returned USING (customer_id, event_day, batch_date)
LEFT JOIN carted USING (customer_id, event_day, batch_date)
