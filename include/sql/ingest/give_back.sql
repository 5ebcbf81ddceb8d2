-- Events that the reloaded batches no longer carry go to the earliest other batch that delivered them too.
CREATE TEMPORARY TABLE given_back ON COMMIT DROP AS
WITH orphans AS (
    SELECT DISTINCT ON (duplicates.event_id) duplicates.ctid AS place, duplicates.event_id
    FROM raw.duplicate_events AS duplicates
    INNER JOIN removed ON duplicates.event_id = removed.event_id
    WHERE
        duplicates.source = :source
        AND NOT EXISTS (
            SELECT 1 FROM raw.events AS events
            WHERE
                events.source = :source
                AND events.event_day BETWEEN :first_day AND :last_day
                AND events.event_id = duplicates.event_id
        )
    ORDER BY duplicates.event_id ASC, duplicates.batch_date ASC
),

moved AS (
    DELETE FROM raw.duplicate_events AS duplicates
    USING orphans
    WHERE duplicates.ctid = orphans.place
    RETURNING duplicates.*
),

owned AS (
    INSERT INTO raw.events SELECT moved.* FROM moved
    RETURNING batch_date, event_day
)

SELECT owned.batch_date, owned.event_day FROM owned;
