"""Which event a staged row is: its id, and its place among the deliveries of that id in one load.

Where a row has no id of its own, the id is a hash of the row, and identical rows of one file are told apart by their ordinal: two
equal lines of a basket are two events, the same line delivered in two files or batches is one. A line of an order is the same line
at whatever time its order is sent again.
"""

from datetime import date

import duckdb

from customer_behavior.ingest.engine import quoted
from customer_behavior.ingest.ids import exploded_id
from customer_behavior.ingest.mapping import DELIVERED, EVENT_COLUMNS
from customer_behavior.ingest.mending import apart_sql
from customer_behavior.ingest.order_state import FROM_ORDER, REFUNDED
from customer_behavior.ingest.source import Source

# event_day follows from event_time, charge from the product.
HASHED = [name for name in EVENT_COLUMNS if name not in ("event_id", "event_time", "event_day", "charge")]
# What a line of an order is, however often and wherever the order is sent.
ORDER_LINE = (
    "customer_id", "event_type", "product_id", "order_id", "quantity", "price", "discount", "charge", "category", "brand",
)  # fmt: skip


def id_sql(source: Source, batch_date: date, *, as_delivered: bool) -> str:
    """Return the expression of an event's id over mapped rows, before equal rows of a file are told apart.

    With `as_delivered` the amounts count in the currency they came in: a rate that is restated changes no id.
    """
    refund = [FROM_ORDER] if FROM_ORDER in source.columns else []
    names = (name for name in HASHED if varies(source, name))
    apart = apart_sql(source, batch_date)
    made = _md5(["epoch_us(event_time)", *names, *refund], as_delivered, apart)
    if source.repeats_orders:
        line = _md5(["'order'", *(name for name in ORDER_LINE if varies(source, name))], as_delivered, apart)
        bought = "order_id IS NOT NULL AND (event_type = 'purchase' OR charge IS NOT NULL)"
        made = f"CASE WHEN {bought} THEN {line} ELSE {made} END"
    own = source.columns.get("event_id")
    if not own:
        return made
    shared = source.explode and not str(own).startswith(f"{source.explode}.")
    return f"coalesce({exploded_id('event_id', 'item') if shared else 'event_id'}, {made})"


def _md5(fields: list[str], as_delivered: bool, apart: str) -> str:
    if as_delivered:
        fields = [name for name in fields if name not in ("price", "discount")] + list(DELIVERED)
    row = ", ".join(f"coalesce(CAST({name} AS VARCHAR), chr(30))" for name in fields)
    return f"md5(concat_ws(chr(31), {row}{apart}))"


def varies(source: Source, name: str) -> bool:
    """Return whether rows of the source may differ in a column of ours; what is constant tells no rows apart."""
    if name == "attributes":
        return bool(source.keep)
    if name == "refunded":
        return bool({"line_refund", FROM_ORDER} & set(source.columns)) or REFUNDED in source.event_types.values()
    if name == "charge":
        return bool({"product_id", "product_name"} & set(source.columns))
    if name == "superseded_on":
        return source.order_delivery == "whole"
    total = {"price": "line_total", "discount": "line_discount"}.get(name)
    return name in source.columns or total in source.columns


def number_deliveries(engine: duckdb.DuckDBPyConnection, source: Source, place: tuple[str, ...]) -> None:
    """Make the view `incoming` of the view `mapped`: its events with their ids, and `delivery`, 1 for the row that owns the id.

    `place` are the columns that say where in its file a row stands.
    """
    _set_replaced_orders_apart(engine, source)
    where = ", ".join(place)
    engine.execute(
        f"""CREATE TABLE repeats AS
        SELECT batch_date, file, {where}, row_hash, event_time, event_id IS NULL AS made,
            row_number() OVER (PARTITION BY batch_date, file, event_time, row_hash ORDER BY {where}) AS ordinal
        FROM standing SEMI JOIN (SELECT row_hash FROM standing GROUP BY row_hash HAVING count(*) > 1) AS several
        USING (row_hash)"""
    )
    [(repeated,)] = engine.execute("SELECT count(*) FROM repeats").fetchall()
    named = f"{quoted(source.name)} AS source, CAST(NULL AS DATE) AS superseded_on"
    if repeated:
        # A receipt's number that is used again later is another order's, and so are its lines.
        engine.execute(
            f"""CREATE TABLE places AS
            SELECT batch_date, file, {where}, id,
                row_number() OVER (PARTITION BY id, sending ORDER BY batch_date, event_time, file, {where}) AS delivery
            FROM (
                SELECT *, count(*) FILTER (WHERE gap > INTERVAL {source.repeat_reach} DAYS) OVER (
                    PARTITION BY id ORDER BY event_time, batch_date, file, {where}
                ) AS sending
                FROM (
                    SELECT *, event_time - lag(event_time) OVER (
                        PARTITION BY id ORDER BY event_time, batch_date, file, {where}
                    ) AS gap
                    FROM (
                        SELECT *, row_hash || CASE WHEN made AND ordinal > 1 THEN '-' || ordinal ELSE '' END AS id FROM repeats
                    )
                )
            )"""
        )
        incoming = (
            "SELECT standing.* REPLACE (coalesce(places.id, row_hash) AS event_id), coalesce(places.delivery, 1) AS delivery,"
            f" {named} FROM standing LEFT JOIN places USING (batch_date, file, {where})"
        )
    else:
        incoming = f"SELECT * REPLACE (row_hash AS event_id), 1 AS delivery, {named} FROM standing"
    if source.order_delivery == "whole":
        replaced = f"2 AS delivery, {quoted(source.name)} AS source, batch_date AS superseded_on"
        incoming += f" UNION ALL BY NAME SELECT * REPLACE (row_hash AS event_id), {replaced} FROM replaced"
    engine.execute(f"CREATE VIEW incoming AS {incoming}")


def _set_replaced_orders_apart(engine: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Make the views `standing` and, of a source that states orders as a whole, `replaced`.

    Of an order that several files of a batch state, the last file stands, in the order of their names without their endings:
    `2024-03-05.csv` comes before `2024-03-05-2.csv`.
    """
    if source.order_delivery != "whole":
        engine.execute("CREATE VIEW standing AS FROM mapped")
        return
    name = r"regexp_replace(file, '(\.[A-Za-z]+)+$', '')"
    engine.execute(
        f"""CREATE TABLE last_files AS
        SELECT batch_date, order_id, arg_max(file, ({name}, file)) AS last_file FROM mapped WHERE order_id IS NOT NULL
        GROUP BY batch_date, order_id HAVING count(DISTINCT file) > 1"""
    )
    joined = "FROM mapped {} JOIN last_files USING (batch_date, order_id)"
    engine.execute(
        f"CREATE VIEW replaced AS SELECT mapped.* {joined.format('INNER')} WHERE mapped.file <> last_files.last_file"
    )
    engine.execute(
        f"CREATE VIEW standing AS SELECT mapped.* {joined.format('LEFT')}"
        " WHERE last_files.last_file IS NULL OR mapped.file = last_files.last_file"
    )
