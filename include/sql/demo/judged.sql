-- Scores whose outcome is known by now, set against what happened.
SELECT
    performance.scored_as_of,
    performance.target || '/' || performance.horizon_days || 'd' AS target,
    performance.n,
    round(performance.mean_predicted::numeric, 4) AS mean_predicted,
    round(performance.base_rate::numeric, 4) AS realised,
    round(performance.auc::numeric, 4) AS auc,
    round(performance.log_loss::numeric, 4) AS log_loss,
    round(performance.ece::numeric, 4) AS ece
FROM monitoring.model_performance AS performance
ORDER BY performance.scored_as_of, performance.target
