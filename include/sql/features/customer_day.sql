-- What each batch adds to each customer's day, from day_events. One definition for two engines: PostgreSQL runs it over
-- raw.events, DuckDB over what a load has just read; keep to what both understand, and to exact numbers.
-- An order is its order id, without one its session, without that its moment. Purchases are few, so that what is asked of them
-- alone is asked apart; a session's lines are added up before they are added to the day, which counts sessions without a sort.
WITH orders AS (
    SELECT
        customer_id, event_day, batch_date,
        count(*) AS orders,
        array_agg(start_hour ORDER BY start_hour) AS purchase_hours
    FROM (
        SELECT customer_id, event_day, batch_date, order_key, min(local_hour) AS start_hour
        FROM day_events
        WHERE event_type = 'purchase'
        GROUP BY customer_id, event_day, batch_date, order_key
    ) AS starts
    GROUP BY customer_id, event_day, batch_date
),

bought AS (
    SELECT
        customer_id, event_day, batch_date,
        count(*) AS purchase_lines,
        sum(quantity) AS units,
        sum(quantity * price) AS revenue,
        sum(quantity * discount) AS discount,
        count(DISTINCT product_id) AS products,
        count(DISTINCT category) AS categories,
        max(price) AS max_price_paid
    FROM day_events
    WHERE event_type = 'purchase'
    GROUP BY customer_id, event_day, batch_date
),

returned AS (
    SELECT customer_id, event_day, batch_date, count(*) AS return_lines, sum(quantity * price) AS returned_value
    FROM day_events
    WHERE event_type = 'return'
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
        count(session_id) AS sessions,
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
    coalesce(bought.purchase_lines, 0) AS purchase_lines,
    coalesce(orders.orders, 0) AS orders,
    coalesce(returned.return_lines, 0) AS return_lines,
    days.sessions,
    coalesce(bought.units, 0) AS units,
    round(coalesce(bought.revenue, 0), 4) AS revenue,
    round(coalesce(bought.discount, 0), 4) AS discount,
    round(coalesce(returned.returned_value, 0), 4) AS returned_value,
    coalesce(bought.products, 0) AS products,
    coalesce(bought.categories, 0) AS categories,
    bought.max_price_paid,
    orders.purchase_hours,
    days.first_event_at,
    days.last_event_at
FROM days
LEFT JOIN orders USING (customer_id, event_day, batch_date)
LEFT JOIN bought USING (customer_id, event_day, batch_date)
LEFT JOIN returned USING (customer_id, event_day, batch_date)
