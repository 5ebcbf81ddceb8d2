WITH gone AS (
    DELETE FROM raw.order_days AS old
    WHERE old.source = :source AND old.batch_date = any(cast(:dates AS date[]))
)

INSERT INTO raw.order_days (source, order_id, customer_id, event_day, batch_date)
SELECT :source, incoming.order_id, incoming.customer_id, incoming.event_day, incoming.batch_date
FROM incoming_orders AS incoming
