-- What was judged at :as_of with a calibration error over :max_ece, and since which judgement without a break.
SELECT
    judged.scored_as_of,
    judged.target,
    judged.horizon_days,
    judged.n,
    judged.mean_predicted,
    judged.base_rate,
    judged.ece,
    (
        SELECT min(over.judged_as_of) FROM monitoring.model_performance AS over
        WHERE
            over.target = judged.target AND over.horizon_days = judged.horizon_days
            AND over.judged_as_of <= judged.judged_as_of AND over.ece > :max_ece
            AND over.judged_as_of > coalesce((
                SELECT max(calm.judged_as_of) FROM monitoring.model_performance AS calm
                WHERE
                    calm.target = judged.target AND calm.horizon_days = judged.horizon_days
                    AND calm.judged_as_of < judged.judged_as_of AND calm.ece <= :max_ece
            ), cast('-infinity' AS date))
    ) AS since
FROM monitoring.model_performance AS judged
WHERE judged.judged_as_of = cast(:as_of AS date) AND judged.ece > :max_ece
ORDER BY judged.target, judged.horizon_days, judged.scored_as_of
