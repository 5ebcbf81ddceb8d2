-- What a session shows after its first after_events events: the one definition, for whoever has session_events (session_number,
-- event_number from 1 by time, the event, its shop-local hour and weekday) and session_moments (after_events). PostgreSQL runs it over a
-- day; keep to what DuckDB understands as well. Nothing of a later event is in a row, and no row is of a session that has bought.
SELECT
    events.session_number,
    events.source,
    events.session_key,
    moments.after_events,
    (array_agg(events.customer_id ORDER BY events.event_number DESC) FILTER (WHERE events.customer_id IS NOT NULL))[1]
        AS customer_id,
    max(events.event_time) AS snapshot_at,
    count(*) FILTER (WHERE events.event_type = 'view') AS views,
    count(*) FILTER (WHERE events.event_type = 'cart') AS carts,
    count(*) FILTER (WHERE events.event_type = 'remove_from_cart') AS cart_removals,
    count(*) FILTER (WHERE events.event_type = 'search') AS searches,
    count(DISTINCT events.product_id) AS products,
    (
        array_agg(events.price ORDER BY events.event_number DESC)
        FILTER (WHERE events.event_type IN ('view', 'cart') AND events.price IS NOT NULL)
    )[1] AS price_last,
    avg(events.price) FILTER (WHERE events.event_type = 'view') AS price_mean_seen,
    max(events.price) FILTER (WHERE events.event_type = 'view') AS price_max_seen,
    coalesce(sum(events.quantity * events.price) FILTER (WHERE events.event_type = 'cart'), 0) AS cart_value,
    extract(EPOCH FROM max(events.event_time) - min(events.event_time)) AS duration_seconds,
    extract(
        EPOCH FROM max(events.event_time) - max(events.event_time) FILTER (WHERE events.event_number < moments.after_events)
    ) AS seconds_since_last_event,
    (array_agg(events.local_hour ORDER BY events.event_number DESC))[1] AS hour,
    (array_agg(events.local_weekday ORDER BY events.event_number DESC))[1] AS weekday,
    (array_agg(events.country ORDER BY events.event_number DESC) FILTER (WHERE events.country IS NOT NULL))[1] AS country,
    (array_agg(events.device ORDER BY events.event_number DESC) FILTER (WHERE events.device IS NOT NULL))[1] AS device,
    (array_agg(events.channel ORDER BY events.event_number DESC) FILTER (WHERE events.channel IS NOT NULL))[1] AS channel,
    (
        array_agg(events.category ORDER BY events.event_number DESC)
        FILTER (WHERE events.event_type = 'view' AND events.category IS NOT NULL)
    )[1] AS category
FROM session_events AS events
CROSS JOIN session_moments AS moments
WHERE events.event_number <= moments.after_events
GROUP BY events.session_number, events.source, events.session_key, moments.after_events
HAVING count(*) = moments.after_events AND count(*) FILTER (WHERE events.event_type = 'purchase') = 0
