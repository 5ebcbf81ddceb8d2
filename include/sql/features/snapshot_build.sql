-- What the rows of :day of a table of snapshots were made from.
SELECT
    builds.ledger,
    builds.rows_written
FROM features.snapshot_builds AS builds
WHERE builds.table_name = :table_name AND builds.day = :day
