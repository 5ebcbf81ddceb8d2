INSERT INTO features.snapshot_builds (table_name, day, ledger, rows_written)
VALUES (:table_name, :day, :ledger, :rows_written)
