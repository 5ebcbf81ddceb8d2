DELETE FROM raw.rejected_events AS rejects
WHERE rejects.source = :source AND rejects.batch_date = :batch_date
