-- One row per visit from :first_day up to the day before :as_of, as known then, of the sources that show visits: when it began,
-- whether it ended in a purchase, and the product it was about, the one viewed most often (of equals the first), at the price
-- shown with it. A visit is a session of the source (of each customer, where several share its id; events without a customer go
-- with the first), or, without session ids, a customer's events until a silence of more than :silence_minutes.
-- Left out: what shows no browsing (returns, tills), staff, and visits of more than :max_events events, which machines make.
CREATE TEMPORARY TABLE visits ON COMMIT DROP AS
WITH visited AS (
    SELECT events.source
    FROM raw.events AS events
    WHERE
        events.event_day >= cast(:first_day AS date) AND events.event_day < cast(:as_of AS date)
        AND events.batch_date < cast(:as_of AS date)
        AND (events.superseded_on IS NULL OR events.superseded_on >= cast(:as_of AS date))
        AND events.event_type IN ('view', 'cart', 'remove_from_cart', 'favourite', 'search')
    GROUP BY events.source
),

silent AS (
    SELECT
        gaps.*,
        count(*) FILTER (WHERE gaps.pause > make_interval(mins => :silence_minutes))
            OVER (PARTITION BY gaps.source, gaps.customer_id COLLATE "C" ORDER BY gaps.event_time)
            AS visit
    FROM (
        SELECT
            events.source, events.customer_id, events.product_id, events.event_type, events.event_time, events.price,
            events.event_time
            - lag(events.event_time) OVER (
                PARTITION BY events.source, events.customer_id COLLATE "C" ORDER BY events.event_time
            ) AS pause
        FROM raw.events AS events
        WHERE
            events.event_day >= cast(:first_day AS date) AND events.event_day < cast(:as_of AS date)
            AND events.batch_date < cast(:as_of AS date)
            AND (events.superseded_on IS NULL OR events.superseded_on >= cast(:as_of AS date))
            AND events.source IN (SELECT visited.source FROM visited)
            AND events.session_id IS NULL AND events.customer_id IS NOT NULL
    ) AS gaps
),

cut AS (
    SELECT source, TRUE AS named, session_id AS visit, customer_id, product_id, event_type, event_time, price
    FROM raw.events
    WHERE
        event_day >= cast(:first_day AS date) AND event_day < cast(:as_of AS date)
        AND batch_date < cast(:as_of AS date)
        AND (superseded_on IS NULL OR superseded_on >= cast(:as_of AS date))
        AND source IN (SELECT visited.source FROM visited)
        AND session_id IS NOT NULL
    UNION ALL
    SELECT source, FALSE AS named, cast(visit AS text) AS visit, customer_id, product_id, event_type, event_time, price
    FROM silent
),

looked AS (
    SELECT
        source, named, visit, customer_id, product_id,
        count(*) AS events,
        count(*) FILTER (WHERE event_type = 'view') AS views,
        min(event_time) AS begun,
        min(event_time) FILTER (WHERE event_type = 'view') AS first_view,
        min(price) FILTER (WHERE event_type = 'view' AND price > 0) AS price,
        bool_or(event_type = 'purchase') AS bought,
        bool_or(event_type IN ('view', 'cart', 'remove_from_cart', 'favourite', 'search')) AS browsed
    FROM cut
    GROUP BY source, named, visit, customer_id, product_id
),

owned AS (
    SELECT
        looked.*,
        coalesce(
            looked.customer_id,
            first_value(looked.customer_id) OVER (
                PARTITION BY looked.source, looked.named, looked.visit COLLATE "C"
                ORDER BY looked.customer_id IS NULL, looked.begun, looked.customer_id COLLATE "C"
            )
        ) AS visitor
    FROM looked
),

about AS (
    SELECT
        source, named, visit, visitor,
        min(begun) AS begun,
        bool_or(bought) AS bought,
        (array_agg(product_id ORDER BY product_id IS NULL ASC, views DESC, first_view ASC, product_id COLLATE "C" ASC))[1]
            AS product_id,
        (array_agg(price ORDER BY product_id IS NULL ASC, views DESC, first_view ASC, product_id COLLATE "C" ASC))[1]
            AS price
    FROM owned
    GROUP BY source, named, visit, visitor
    HAVING bool_or(browsed) AND sum(events) <= :max_events AND (visitor IS NULL OR visitor <> all(cast(:staff AS text[])))
)

SELECT
    bought,
    price,
    cast(begun AT TIME ZONE :timezone AS date) - cast(:first_day AS date) AS day,
    cast(extract(HOUR FROM begun AT TIME ZONE :timezone) AS integer) AS hour,
    hashtextextended(product_id, 0) & 63 AS product_bucket,
    hashtextextended(coalesce(visitor, source || '/' || visit), 0) & 63 AS customer_bucket
FROM about
