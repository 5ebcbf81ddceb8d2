-- The category that tops most order lines in the 90 days before :as_of, the first by bytes of equals, from the temporary table purchases.
SELECT DISTINCT ON (sums.customer_id)
    sums.customer_id,
    sums.top_category AS favourite_category,
    sums.favourite_lines
FROM (
    SELECT
        purchases.customer_id,
        purchases.top_category,
        sum(purchases.top_category_lines) AS favourite_lines
    FROM purchases
    WHERE purchases.top_category IS NOT NULL
    GROUP BY purchases.customer_id, purchases.top_category
) AS sums
ORDER BY sums.customer_id ASC, sums.favourite_lines DESC, sums.top_category COLLATE "C" ASC
