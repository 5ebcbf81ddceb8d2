-- By how much each batch's accepted rows change with order_lines.
SELECT
    order_lines.batch_date,
    count(*) FILTER (WHERE order_lines.stands) - count(*) FILTER (WHERE order_lines.held) AS events
FROM order_lines
GROUP BY order_lines.batch_date
HAVING count(*) FILTER (WHERE order_lines.stands) <> count(*) FILTER (WHERE order_lines.held)
