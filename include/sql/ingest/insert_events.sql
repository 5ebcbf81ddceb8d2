INSERT INTO raw.events
SELECT
    incoming.id, incoming.event_time, incoming.event_day, incoming.customer_id, incoming.session_id, incoming.event_type,
    incoming.product_id, incoming.order_id, incoming.quantity, incoming.price, incoming.discount, incoming.category,
    incoming.brand, incoming.country, incoming.device, incoming.channel, incoming.attributes, incoming.batch_date, :source
FROM incoming
LEFT JOIN disowned USING (batch_date, file, line)
WHERE disowned.line IS NULL
ORDER BY incoming.event_day, incoming.batch_date, incoming.file, incoming.line;
