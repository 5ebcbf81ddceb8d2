-- What each batch adds to each customer's day, from day_events. One definition for two engines: PostgreSQL runs it over
-- raw.events, DuckDB over what a load has just read; keep to what both understand, and to exact numbers.
-- An order is its order id, without one its session, without that its moment.
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
)

SELECT
    lines.customer_id,
    lines.event_day,
    lines.batch_date,
    min(lines.source) AS source,
    count(*) AS events,
    count(*) FILTER (WHERE lines.event_type = 'view') AS views,
    count(*) FILTER (WHERE lines.event_type = 'cart') AS carts,
    count(*) FILTER (WHERE lines.event_type = 'remove_from_cart') AS cart_removals,
    count(*) FILTER (WHERE lines.event_type = 'purchase') AS purchase_lines,
    coalesce(min(orders.orders), 0) AS orders,
    count(*) FILTER (WHERE lines.event_type = 'return') AS return_lines,
    count(DISTINCT lines.session_id) AS sessions,
    coalesce(sum(lines.quantity) FILTER (WHERE lines.event_type = 'purchase'), 0) AS units,
    round(coalesce(sum(lines.quantity * lines.price) FILTER (WHERE lines.event_type = 'purchase'), 0), 4) AS revenue,
    round(coalesce(sum(lines.quantity * lines.discount) FILTER (WHERE lines.event_type = 'purchase'), 0), 4) AS discount,
    round(coalesce(sum(lines.quantity * lines.price) FILTER (WHERE lines.event_type = 'return'), 0), 4) AS returned_value,
    count(DISTINCT lines.product_id) FILTER (WHERE lines.event_type = 'purchase') AS products,
    count(DISTINCT lines.category) FILTER (WHERE lines.event_type = 'purchase') AS categories,
    max(lines.price) FILTER (WHERE lines.event_type = 'purchase') AS max_price_paid,
    min(orders.purchase_hours) AS purchase_hours,
    min(lines.event_time) AS first_event_at,
    max(lines.event_time) AS last_event_at
FROM day_events AS lines
LEFT JOIN orders
    ON
        lines.customer_id = orders.customer_id
        AND lines.event_day = orders.event_day
        AND lines.batch_date = orders.batch_date
GROUP BY lines.customer_id, lines.event_day, lines.batch_date
