-- The customers who did anything in the :days days before :as_of, without staff and bots. No semicolon: the statement is read
-- as a subquery.
SELECT snapshot.customer_id
FROM features.customer_snapshot AS snapshot
WHERE
    snapshot.as_of_date = :as_of
    AND snapshot.days_since_event <= :days
    AND snapshot.flagged IS NULL
