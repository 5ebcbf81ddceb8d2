-- What each batch adds to each customer's day. An order is its order id, without one its session, without that its moment.
INSERT INTO features.customer_day
WITH slices AS (
    SELECT (item ->> 0)::date AS batch_date, (item ->> 1)::date AS event_day
    FROM jsonb_array_elements(cast(:slices AS jsonb)) AS item
),

lines AS (
    SELECT
        events.*,
        events.event_type = 'purchase' AS bought,
        coalesce(events.order_id, events.session_id, events.event_time::text) AS order_key
    FROM raw.events AS events
    INNER JOIN slices USING (batch_date, event_day)
    WHERE
        events.source = :source
        AND events.event_day BETWEEN :first_day AND :last_day
        AND events.customer_id IS NOT NULL
),

order_starts AS (
    SELECT
        orders.customer_id, orders.event_day, orders.batch_date,
        array_agg(orders.start_hour ORDER BY orders.start_hour) AS purchase_hours
    FROM (
        SELECT
            lines.customer_id, lines.event_day, lines.batch_date,
            extract(HOUR FROM min(lines.event_time) AT TIME ZONE :timezone)::smallint AS start_hour
        FROM lines
        WHERE lines.bought
        GROUP BY lines.customer_id, lines.event_day, lines.batch_date, lines.order_key
    ) AS orders
    GROUP BY orders.customer_id, orders.event_day, orders.batch_date
)

SELECT
    lines.customer_id,
    lines.event_day,
    lines.batch_date,
    :source AS source,
    count(*) AS events,
    count(*) FILTER (WHERE lines.event_type = 'view') AS views,
    count(*) FILTER (WHERE lines.event_type = 'cart') AS carts,
    count(*) FILTER (WHERE lines.event_type = 'remove_from_cart') AS cart_removals,
    count(*) FILTER (WHERE lines.bought) AS purchase_lines,
    coalesce(cardinality(min(order_starts.purchase_hours)), 0) AS orders,
    count(*) FILTER (WHERE lines.event_type = 'return') AS return_lines,
    count(DISTINCT lines.session_id) AS sessions,
    coalesce(sum(lines.quantity) FILTER (WHERE lines.bought), 0) AS units,
    round(coalesce(sum(lines.quantity * lines.price) FILTER (WHERE lines.bought), 0), 4) AS revenue,
    round(coalesce(sum(lines.quantity * lines.discount) FILTER (WHERE lines.bought), 0), 4) AS discount,
    round(coalesce(sum(lines.quantity * lines.price) FILTER (WHERE lines.event_type = 'return'), 0), 4) AS returned_value,
    count(DISTINCT lines.product_id) FILTER (WHERE lines.bought) AS products,
    count(DISTINCT lines.category) FILTER (WHERE lines.bought) AS categories,
    max(lines.price) FILTER (WHERE lines.bought) AS max_price_paid,
    coalesce(min(order_starts.purchase_hours), '{}') AS purchase_hours,
    min(lines.event_time) AS first_event_at,
    max(lines.event_time) AS last_event_at
FROM lines
LEFT JOIN order_starts USING (customer_id, event_day, batch_date)
GROUP BY lines.customer_id, lines.event_day, lines.batch_date;
