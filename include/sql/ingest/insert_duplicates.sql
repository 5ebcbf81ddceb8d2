-- Deliveries of an event that another delivery owns: an earlier batch, or an earlier line of this load.
CREATE TEMPORARY TABLE disowned ON COMMIT DROP AS
SELECT incoming.batch_date, incoming.file, incoming.line
FROM incoming
WHERE incoming.delivery > 1
UNION
SELECT incoming.batch_date, incoming.file, incoming.line
FROM incoming
INNER JOIN raw.events AS events ON incoming.id = events.event_id
WHERE
    events.source = :source
    AND events.event_day BETWEEN :first_day AND :last_day
    AND events.batch_date < incoming.batch_date;

INSERT INTO raw.duplicate_events
SELECT
    incoming.id, incoming.event_time, incoming.event_day, incoming.customer_id, incoming.session_id, incoming.event_type,
    incoming.product_id, incoming.order_id, incoming.quantity, incoming.price, incoming.discount, incoming.category,
    incoming.brand, incoming.country, incoming.device, incoming.channel, incoming.attributes, incoming.batch_date, :source
FROM incoming
INNER JOIN disowned USING (batch_date, file, line);
