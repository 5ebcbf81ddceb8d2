-- Whether each session of :as_of ends in a purchase, those of staff and bots apart. No semicolon: the statement is read as a subquery.
SELECT
    concat_ws('/', snapshot.source, snapshot.session_key, snapshot.after_events) AS row_id,
    cast(snapshot.bought AS integer) AS label
FROM features.session_snapshot AS snapshot
WHERE snapshot.session_day = :as_of AND NOT snapshot.end_open AND snapshot.flagged IS NULL
