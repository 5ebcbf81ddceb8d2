-- What each customer did in each of four bands of days before :as_of: 1 day, 2 to 7, 8 to 28, 29 to 90. A window of N days is the
-- sum of the bands within it, so that every row of the rollup is added up once, not once a window.
CREATE TEMPORARY TABLE bands ON COMMIT DROP AS
SELECT
    rollup.customer_id,
    CASE
        WHEN rollup.event_day >= :as_of - 1 THEN 1
        WHEN rollup.event_day >= :as_of - 7 THEN 7
        WHEN rollup.event_day >= :as_of - 28 THEN 28
        ELSE 90
    END AS band,
    sum(rollup.events)::integer AS events,
    sum(rollup.views)::integer AS views,
    sum(rollup.carts)::integer AS carts,
    sum(rollup.cart_removals)::integer AS cart_removals,
    sum(rollup.favourites)::integer AS favourites,
    sum(rollup.searches)::integer AS searches,
    sum(rollup.sessions)::integer AS sessions,
    sum(rollup.carts_left)::integer AS carts_left,
    sum(rollup.orders)::integer AS orders,
    sum(rollup.purchase_lines)::integer AS purchase_lines,
    sum(rollup.return_lines)::integer AS return_lines,
    sum(rollup.revenue) AS revenue,
    sum(rollup.discount) AS discount,
    sum(rollup.returned_value) AS returned_value,
    sum(rollup.cart_value) AS cart_value,
    sum(rollup.units) AS units,
    sum(rollup.session_seconds)::bigint AS session_seconds,
    sum(rollup.priced_views)::integer AS priced_views,
    sum(rollup.seen_value) AS seen_value,
    sum(rollup.products)::integer AS products,
    sum(rollup.categories)::integer AS categories,
    max(rollup.max_price_paid) AS max_price_paid,
    sum(rollup.night_events)::integer AS night_events,
    sum(rollup.morning_events)::integer AS morning_events,
    sum(rollup.afternoon_events)::integer AS afternoon_events,
    sum(rollup.evening_events)::integer AS evening_events,
    (sum(rollup.events) FILTER (WHERE extract(ISODOW FROM rollup.event_day) >= 6))::integer AS weekend_events,
    -- The newest day's value: a character that grows with the day stands before it.
    max((chr(cast(20000 - (:as_of - rollup.event_day) AS integer)) || rollup.country) COLLATE "C") AS country,
    max((chr(cast(20000 - (:as_of - rollup.event_day) AS integer)) || rollup.device) COLLATE "C") AS device,
    max((chr(cast(20000 - (:as_of - rollup.event_day) AS integer)) || rollup.channel) COLLATE "C") AS channel
FROM features.customer_day AS rollup
WHERE
    rollup.event_day >= :as_of - 90 AND rollup.event_day < :as_of AND rollup.batch_date < :as_of
    AND (rollup.superseded_on IS NULL OR rollup.superseded_on >= :as_of)
GROUP BY rollup.customer_id, band
