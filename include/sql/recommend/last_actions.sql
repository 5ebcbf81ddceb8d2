-- When each customer last had an action before :as_of, held out or not. Each row carries the date on, so the days of
-- the cooldown (from :first_day on) are enough to read.
SELECT
    actions.customer_id,
    max(CASE WHEN actions.action = 'none' THEN actions.last_action_date ELSE actions.as_of_date END) AS last_action_date
FROM marketing.action_recommendations AS actions
WHERE actions.as_of_date >= cast(:first_day AS date) AND actions.as_of_date < cast(:as_of AS date)
GROUP BY actions.customer_id
