INSERT INTO models.decisions (
    model_id, champion_id, target, horizon_days, as_of_date, accepted, promoted, reason, checks, run_id
)
VALUES (
    :model_id, :champion_id, :target, :horizon_days, :as_of, :accepted, :promoted, :reason, cast(:checks AS jsonb), :run_id
);
