-- The orders that the batches of :dates touch, as they were or as they come in, and of which more is known than one batch's lines of
-- one day; with the days of their lines. Lines of a customer's order id are of one order when each is within :reach days of the
-- next: small shops number their receipts anew each day. What states orders as a whole (:whole) names one order by one id.
CREATE TEMPORARY TABLE contested ON COMMIT DROP AS
WITH concerned AS (
    SELECT incoming.order_id, incoming.customer_id, incoming.event_day, incoming.batch_date
    FROM incoming_orders AS incoming
    UNION
    SELECT old.order_id, old.customer_id, old.event_day, old.batch_date
    FROM raw.order_days AS old
    WHERE old.source = :source AND old.batch_date = any(cast(:dates AS date[]))
),

-- An order of which one line alone is known has no other that it could meet.
several AS (
    SELECT concerned.order_id
    FROM concerned
    GROUP BY concerned.order_id
    HAVING count(*) > 1
    UNION
    SELECT others.order_id
    FROM raw.order_days AS others
    INNER JOIN concerned ON others.order_id = concerned.order_id
    WHERE others.source = :source
),

lines AS (
    SELECT concerned.*
    FROM concerned
    INNER JOIN several ON concerned.order_id = several.order_id
    UNION
    SELECT others.order_id, others.customer_id, others.event_day, others.batch_date
    FROM raw.order_days AS others
    INNER JOIN several ON others.order_id = several.order_id
    WHERE others.source = :source
),

named AS (
    SELECT
        lines.*,
        CASE WHEN :whole THEN '' ELSE coalesce(lines.customer_id, '') END AS of_whom
    FROM lines
),

gaps AS (
    SELECT
        named.*,
        named.event_day - lag(named.event_day) OVER (
            PARTITION BY named.order_id, named.of_whom ORDER BY named.event_day, named.batch_date
        ) AS gap
    FROM named
)

SELECT DISTINCT gaps.order_id, gaps.customer_id, gaps.event_day
FROM gaps
INNER JOIN (
    SELECT of_order.order_id, of_order.of_whom
    FROM gaps AS of_order
    GROUP BY of_order.order_id, of_order.of_whom
    HAVING min(of_order.gap) <= :reach
) AS met ON gaps.order_id = met.order_id AND gaps.of_whom = met.of_whom
