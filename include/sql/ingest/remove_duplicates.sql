DELETE FROM raw.duplicate_events AS duplicates
WHERE duplicates.source = :source AND duplicates.batch_date = any(cast(:dates AS date[]));
