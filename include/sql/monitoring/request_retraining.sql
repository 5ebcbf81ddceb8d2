-- Asks for a training unless one is asked for and not yet done.
INSERT INTO monitoring.retraining_requests (as_of_date, target, horizon_days, reason)
SELECT
    cast(:as_of AS date) AS as_of_date,
    cast(:target AS text) AS target,
    cast(:horizon_days AS integer) AS horizon_days,
    cast(:reason AS text) AS reason
WHERE
    NOT EXISTS (
        SELECT 1 FROM monitoring.retraining_requests AS open
        WHERE
            open.target = :target AND open.horizon_days = :horizon_days AND open.fulfilled_by IS NULL
            AND open.as_of_date <= cast(:as_of AS date)
    )
ON CONFLICT (as_of_date, target, horizon_days) DO NOTHING
