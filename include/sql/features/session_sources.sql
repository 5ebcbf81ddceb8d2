-- The sources that show visits on :day: a source without one event of browsing, like a till, has baskets, not sessions.
SELECT events.source
FROM raw.events AS events
WHERE
    events.event_day = :day AND events.batch_date <= :day
    AND (events.superseded_on IS NULL OR events.superseded_on > :day)
    AND events.event_type IN ('view', 'cart', 'remove_from_cart', 'favourite', 'search')
GROUP BY events.source
ORDER BY events.source
