-- The events of the sessions that began on :day, numbered in each by time, as known at :day + 1 (batch_date <= :day).
-- With a session id the source's sessions stand, however long they pause; an id seen the day before goes on from there. An id that
-- several customers share (as where it is a time) is a session of each: an event without a customer belongs to the one before it,
-- else to the first. Without a session id a customer's session ends with a silence of more than :silence_minutes.
-- Of the days around :day only what may belong to its sessions is read on. "C" sorts bytes: the order of equal times must not
-- depend on a locale, and is cheaper.
CREATE TEMPORARY TABLE session_events ON COMMIT DROP AS
WITH named AS (
    SELECT
        owned.*,
        cast(NULL AS timestamptz) AS begun,
        CASE WHEN owned.visitor <> owned.first_visitor THEN owned.session_id || '/' || owned.visitor ELSE owned.session_id END
            AS session_key
    FROM (
        SELECT
            given.*,
            max(given.customer_id) FILTER (WHERE given.customers_so_far = 1)
                OVER (PARTITION BY given.source, given.session_id COLLATE "C")
                AS first_visitor,
            coalesce(
                max(given.customer_id) OVER (PARTITION BY given.source, given.session_id COLLATE "C", given.customers_so_far),
                max(given.customer_id) FILTER (WHERE given.customers_so_far = 1)
                    OVER (PARTITION BY given.source, given.session_id COLLATE "C")
            ) AS visitor
        FROM (
            SELECT
                events.source, events.session_id, events.event_day, events.event_time, events.event_id, events.customer_id,
                events.event_type, events.product_id, events.quantity, events.price, events.category, events.country,
                events.device, events.channel,
                count(events.customer_id) OVER (
                    PARTITION BY events.source, events.session_id COLLATE "C"
                    ORDER BY events.event_time, events.event_id COLLATE "C" ROWS UNBOUNDED PRECEDING
                ) AS customers_so_far
            FROM raw.events AS events
            INNER JOIN (
                SELECT of_day.source, of_day.session_id
                FROM raw.events AS of_day
                WHERE
                    of_day.event_day = :day AND of_day.batch_date <= :day
                    AND (of_day.superseded_on IS NULL OR of_day.superseded_on > :day)
                    AND of_day.source = any(:sources) AND of_day.session_id IS NOT NULL
                GROUP BY of_day.source, of_day.session_id
            ) AS ids ON events.source = ids.source AND events.session_id = ids.session_id
            WHERE
                events.event_day BETWEEN :day - 1 AND :day + 1 AND events.batch_date <= :day
                AND (events.superseded_on IS NULL OR events.superseded_on > :day)
        ) AS given
    ) AS owned
),

silent AS (
    SELECT
        begins.*,
        begins.customer_id || '/' || to_char(begins.begun AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS session_key
    FROM (
        SELECT
            gaps.*,
            max(gaps.event_time) FILTER (WHERE gaps.pause IS NULL OR gaps.pause > make_interval(mins => :silence_minutes))
                OVER (
                    PARTITION BY gaps.source, gaps.customer_id COLLATE "C"
                    ORDER BY gaps.event_time, gaps.event_id COLLATE "C" ROWS UNBOUNDED PRECEDING
                )
                AS begun
        FROM (
            SELECT
                events.source, events.session_id, events.event_day, events.event_time, events.event_id, events.customer_id,
                events.event_type, events.product_id, events.quantity, events.price, events.category, events.country,
                events.device, events.channel,
                events.event_time - lag(events.event_time) OVER (
                    PARTITION BY events.source, events.customer_id COLLATE "C"
                    ORDER BY events.event_time, events.event_id COLLATE "C"
                ) AS pause
            FROM raw.events AS events
            WHERE
                events.event_day BETWEEN :day - 1 AND :day + 1 AND events.batch_date <= :day
                AND (events.superseded_on IS NULL OR events.superseded_on > :day)
                AND events.source = any(:sources) AND events.session_id IS NULL AND events.customer_id IS NOT NULL
                AND events.event_time
                >= cast(:day AS timestamp) AT TIME ZONE :timezone - make_interval(mins => :silence_minutes)
        ) AS gaps
    ) AS begins
),

cut AS (
    SELECT
        source, session_id, visitor, begun, session_key, event_day, event_time, event_id, customer_id, event_type, product_id,
        quantity, price, category, country, device, channel
    FROM named
    UNION ALL
    SELECT
        source, session_id, customer_id AS visitor, begun, session_key, event_day, event_time, event_id, customer_id,
        event_type, product_id, quantity, price, category, country, device, channel
    FROM silent
),

numbered AS (
    SELECT
        cut.*,
        dense_rank()
            OVER (ORDER BY cut.source, cut.session_id COLLATE "C", cut.visitor COLLATE "C", cut.begun)
            AS session_number,
        row_number() OVER in_session AS event_number,
        first_value(cut.event_day) OVER in_session AS session_day
    FROM cut
    WINDOW in_session AS (
        PARTITION BY cut.source, cut.session_id COLLATE "C", cut.visitor COLLATE "C", cut.begun
        ORDER BY cut.event_time, cut.event_id COLLATE "C"
    )
)

SELECT
    session_number,
    event_number,
    source,
    session_key,
    event_time,
    customer_id,
    event_type,
    product_id,
    quantity,
    price,
    category,
    country,
    device,
    channel,
    cast(extract(HOUR FROM event_time AT TIME ZONE :timezone) AS smallint) AS local_hour,
    cast(extract(ISODOW FROM event_time AT TIME ZONE :timezone) AS smallint) AS local_weekday
FROM numbered
WHERE session_day = :day
