-- The days with a purchase in the 90 days before :as_of, from the temporary table purchases. The best weekday is the one with most of
-- them, the first of the week of equals: the last digit of the greatest `days * 10 + 7 - weekday` says which.
SELECT
    weekdays.customer_id,
    sum(weekdays.days_7) AS purchase_days_7d,
    sum(weekdays.days_28) AS purchase_days_28d,
    sum(weekdays.days) AS purchase_days_90d,
    coalesce(sum(weekdays.days) FILTER (WHERE weekdays.weekday >= 6), 0) AS weekend_days_90d,
    7 - mod(max(weekdays.days * 10 + 7 - weekdays.weekday), 10) AS best_weekday
FROM (
    SELECT
        bought.customer_id,
        bought.weekday,
        count(*)::integer AS days,
        (count(*) FILTER (WHERE bought.event_day >= :as_of - 7))::integer AS days_7,
        (count(*) FILTER (WHERE bought.event_day >= :as_of - 28))::integer AS days_28
    FROM (
        SELECT DISTINCT
            purchases.customer_id,
            purchases.event_day,
            extract(ISODOW FROM purchases.event_day)::integer AS weekday
        FROM purchases
    ) AS bought
    GROUP BY bought.customer_id, bought.weekday
) AS weekdays
GROUP BY weekdays.customer_id
