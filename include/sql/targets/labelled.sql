-- Rows of :as_of with their labels: of those that came true (label over 0) at most :positives, of the others at most :negatives. A
-- hash says which, so they are the same every time; `weight` is the number of rows that each stands for.
-- `candidates` has the rows, `labelled` their labels, both by row_id.
SELECT
    candidates.*,
    drawn.label,
    drawn.weight
FROM candidates
INNER JOIN (
    SELECT
        row_id,
        label,
        cast(total AS double precision) / least(total, wanted) AS weight
    FROM (
        SELECT
            row_id,
            label,
            CASE WHEN label > 0 THEN cast(:positives AS bigint) ELSE cast(:negatives AS bigint) END AS wanted,
            count(*) OVER (PARTITION BY label > 0) AS total,
            row_number() OVER (
                PARTITION BY label > 0
                ORDER BY
                    hashtextextended(row_id || to_char(cast(:as_of AS date), ' YYYY-MM-DD'), :seed),
                    row_id COLLATE "C"
            ) AS place
        FROM labelled
    ) AS placed
    WHERE place <= wanted
) AS drawn USING (row_id)
ORDER BY candidates.row_id COLLATE "C"
