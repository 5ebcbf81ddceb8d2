-- Gives every staged event its id and its place among the deliveries of that id in this load (1 owns it).
-- Without an id of the source's own, the id is a hash of the row, and identical rows of one batch are told apart by their
-- ordinal: two equal lines of a basket are two events, the same line delivered in two batches is one.
CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS
WITH hashed AS (
    SELECT
        staged.*,
        md5((
            staged.event_time, staged.event_type, staged.customer_id, staged.session_id, staged.product_id, staged.order_id,
            staged.quantity, staged.price, staged.discount, staged.category, staged.brand, staged.country, staged.device,
            staged.channel, staged.attributes
        )::text) AS row_hash
    FROM staged_events AS staged
),

numbered AS (
    SELECT
        hashed.*,
        row_number() OVER (PARTITION BY hashed.batch_date, hashed.row_hash ORDER BY hashed.file, hashed.line) AS ordinal
    FROM hashed
),

identified AS (
    SELECT
        numbered.*,
        coalesce(
            numbered.event_id,
            CASE WHEN numbered.ordinal = 1 THEN numbered.row_hash ELSE numbered.row_hash || '-' || numbered.ordinal END
        ) AS id
    FROM numbered
)

SELECT
    identified.*,
    row_number() OVER (PARTITION BY identified.id ORDER BY identified.batch_date, identified.file, identified.line) AS delivery
FROM identified;
