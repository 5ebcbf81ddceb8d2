-- Takes the batches' events out; their ids are kept, since a later batch may get an event back.
CREATE TEMPORARY TABLE removed ON COMMIT DROP AS
WITH gone AS (
    DELETE FROM raw.events AS events
    WHERE
        events.source = :source
        AND events.batch_date = any(cast(:dates AS date[]))
        AND events.event_day = any(cast(:days AS date[]))
    RETURNING events.event_id
)

SELECT gone.event_id FROM gone
