-- Incoming events that an earlier batch owns. A line of an order is told by its content: further than :reach days apart it is another's.
SELECT
    incoming.event_id,
    incoming.batch_date
FROM incoming_keys AS incoming
INNER JOIN raw.events AS events ON incoming.event_id = events.event_id
WHERE
    events.source = :source
    AND events.event_day = any(cast(:days AS date[]))
    AND events.batch_date < incoming.batch_date
    AND abs(events.event_day - incoming.event_day) <= :reach
