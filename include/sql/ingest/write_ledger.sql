INSERT INTO raw.ingest_batches (
    source, batch_date, status, files, files_passed_over, rows_read, rows_accepted, rows_rejected, rows_duplicate, rows_nobody,
    rows_dropped, values_mended, event_days, loaded_at, run_id
)
VALUES (
    :source,
    :batch_date,
    :status,
    array(SELECT jsonb_array_elements_text(cast(:files AS jsonb))),
    cast(:files_passed_over AS jsonb),
    :rows_read,
    :rows_accepted,
    :rows_rejected,
    :rows_duplicate,
    :rows_nobody,
    :rows_dropped,
    cast(:values_mended AS jsonb),
    array(SELECT cast(jsonb_array_elements_text(cast(:event_days AS jsonb)) AS date)),
    clock_timestamp(),
    :run_id
)
ON CONFLICT (source, batch_date) DO UPDATE SET
    status = excluded.status,
    files = excluded.files,
    files_passed_over = excluded.files_passed_over,
    rows_read = excluded.rows_read,
    rows_accepted = excluded.rows_accepted,
    rows_rejected = excluded.rows_rejected,
    rows_duplicate = excluded.rows_duplicate,
    rows_nobody = excluded.rows_nobody,
    rows_dropped = excluded.rows_dropped,
    values_mended = excluded.values_mended,
    event_days = excluded.event_days,
    loaded_at = excluded.loaded_at,
    run_id = excluded.run_id
