-- The rows of `labelled`, counted by whether they came true.
SELECT
    cast(label > 0 AS integer) AS label,
    count(*) AS total
FROM labelled
GROUP BY label > 0
