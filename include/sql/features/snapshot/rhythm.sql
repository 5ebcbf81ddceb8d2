-- What is known of each customer from all days before :as_of, from the temporary table lifetime: how long ago, how much, how regularly.
SELECT
    sums.*,
    :as_of - sums.last_event_day AS days_since_event,
    :as_of - sums.last_purchase_day AS days_since_purchase,
    :as_of - sums.last_view_day AS days_since_view,
    :as_of - sums.last_cart_day AS days_since_cart,
    :as_of - sums.first_event_day AS tenure_days,
    CASE
        WHEN sums.purchase_days >= 2
            THEN (sums.last_purchase_day - sums.first_purchase_day)::double precision / (sums.purchase_days - 1)
    END AS gap_mean_days,
    -- m gaps: their sum is the days from first to last purchase, so (m * squares - sum * sum) / (m * (m - 1)), exact until the root.
    CASE
        WHEN sums.purchase_days >= 3
            THEN
                sqrt(
                    (
                        (sums.purchase_days - 1) * sums.gap_squares
                        - (sums.last_purchase_day - sums.first_purchase_day)::bigint
                        * (sums.last_purchase_day - sums.first_purchase_day)
                    )::double precision
                    / ((sums.purchase_days - 1)::bigint * (sums.purchase_days - 2))
                )
    END AS gap_std_days
FROM lifetime AS sums
