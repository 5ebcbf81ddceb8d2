-- The morning's one row: what was published, by which models, from what, and what to mind.
INSERT INTO marketing.status (
    as_of_date, ready, customers, model_version, model_trained_as_of, model_auc, warnings, suppressed, consent_missing,
    consent_unreadable, consent_rule, made_from
)
SELECT
    cast(:as_of AS date) AS as_of_date,
    TRUE AS ready,
    served.customers,
    served.model_id AS model_version,
    versions.trained_as_of AS model_trained_as_of,
    evaluations.auc AS model_auc,
    cast(:warnings AS text[]) AS warnings,
    cast(:suppressed AS integer) AS suppressed,
    cast(:consent_missing AS integer) AS consent_missing,
    cast(:consent_unreadable AS integer) AS consent_unreadable,
    :consent_rule AS consent_rule,
    cast(:stamps AS jsonb) || jsonb_build_object('models', models.of_targets) AS made_from
FROM (
    SELECT
        scores.model_id,
        count(*) AS customers
    FROM models.scores AS scores
    WHERE scores.as_of_date = cast(:as_of AS date) AND scores.target = :target AND scores.horizon_days = :horizon_days
    GROUP BY scores.model_id
) AS served
CROSS JOIN (
    SELECT jsonb_object_agg(scored.target || '/' || scored.horizon_days || 'd', scored.model_id) AS of_targets
    FROM (
        SELECT DISTINCT
            scores.target,
            scores.horizon_days,
            scores.model_id
        FROM models.scores AS scores
        WHERE scores.as_of_date = cast(:as_of AS date)
    ) AS scored
) AS models
INNER JOIN models.model_versions AS versions ON served.model_id = versions.model_id
LEFT JOIN models.evaluations AS evaluations ON served.model_id = evaluations.model_id AND evaluations.contender = 'model'
