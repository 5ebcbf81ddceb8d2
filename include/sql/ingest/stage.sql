-- Temporary tables of one load: events as mapped, before it is known which batch owns them.
CREATE TEMPORARY TABLE staged_events (
    event_time timestamptz NOT NULL,
    event_day date NOT NULL,
    event_type text NOT NULL,
    event_id text,
    customer_id text,
    session_id text,
    product_id text,
    order_id text,
    category text,
    brand text,
    country text,
    device text,
    channel text,
    quantity numeric NOT NULL,
    price numeric,
    discount numeric,
    attributes jsonb,
    batch_date date NOT NULL,
    file text NOT NULL,
    line bigint NOT NULL
) ON COMMIT DROP;
