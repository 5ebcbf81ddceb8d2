-- When the hyperparameters of a target were searched last before :as_of, and whether drift or a person asked for a training since:
-- a request that a training as of :as_of itself has fulfilled still counts, so that the same night again does the same.
SELECT
    max(versions.trained_as_of) FILTER (WHERE cast(versions.card #>> '{tuning,trials}' AS integer) > 0) AS searched_as_of,
    (
        SELECT count(*)
        FROM monitoring.retraining_requests AS requests
        LEFT JOIN models.model_versions AS answers ON requests.fulfilled_by = answers.model_id
        WHERE
            requests.target = :target AND requests.horizon_days = :horizon_days AND requests.as_of_date <= :as_of
            AND (requests.fulfilled_by IS NULL OR answers.trained_as_of >= :as_of)
    ) > 0 AS asked_for
FROM models.model_versions AS versions
WHERE versions.target = :target AND versions.horizon_days = :horizon_days AND versions.trained_as_of < :as_of;
