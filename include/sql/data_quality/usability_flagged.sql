-- The customers of the newest snapshot of the :days days up to :as_of, and how many of them are taken for staff or bots.
WITH newest AS (
    SELECT max(as_of_date) AS as_of_date
    FROM features.customer_snapshot
    WHERE as_of_date <= :as_of AND as_of_date > cast(:as_of AS date) - cast(:days AS integer)
)

SELECT
    snapshot.as_of_date,
    count(*) AS customers,
    count(*) FILTER (WHERE snapshot.flagged = 'staff') AS staff,
    count(*) FILTER (WHERE snapshot.flagged = 'bot') AS bots
FROM features.customer_snapshot AS snapshot
WHERE snapshot.as_of_date = (SELECT newest.as_of_date FROM newest)
GROUP BY snapshot.as_of_date;
