-- The mean probability, or amount, of each target on :as_of beside that of before: of the reference date where it was scored, else
-- of the snapshots that the model was reported on.
WITH means AS (
    SELECT
        scores.target,
        scores.horizon_days,
        avg(coalesce(scores.probability, scores.amount)) FILTER (WHERE scores.as_of_date = cast(:as_of AS date)) AS now,
        avg(coalesce(scores.probability, scores.amount))
        FILTER (WHERE scores.as_of_date = cast(:reference_as_of AS date)) AS reference,
        min(scores.model_id) FILTER (WHERE scores.as_of_date = cast(:as_of AS date)) AS model_id
    FROM models.scores AS scores
    WHERE scores.as_of_date IN (cast(:as_of AS date), cast(:reference_as_of AS date))
    GROUP BY scores.target, scores.horizon_days
),

reports AS (
    SELECT
        gain.model_id,
        sum(gain.n * gain.mean_predicted) / sum(gain.n) AS report
    FROM models.gain_table AS gain
    GROUP BY gain.model_id
)

SELECT
    means.target,
    means.horizon_days,
    cast(round(cast(coalesce(means.reference, reports.report) AS numeric), 9) AS double precision) AS before,
    cast(round(cast(means.now AS numeric), 9) AS double precision) AS now,
    CASE WHEN means.reference IS NOT NULL THEN 'the reference date' ELSE 'the model''s report' END AS before_of
FROM means
LEFT JOIN reports ON means.model_id = reports.model_id
WHERE means.now IS NOT NULL
ORDER BY means.target, means.horizon_days
