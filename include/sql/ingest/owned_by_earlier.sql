-- Incoming events that an earlier batch owns.
SELECT
    incoming.event_id,
    incoming.batch_date
FROM incoming_keys AS incoming
INNER JOIN raw.events AS events ON incoming.event_id = events.event_id
WHERE
    events.source = :source
    AND events.event_day = any(cast(:days AS date[]))
    AND events.batch_date < incoming.batch_date
