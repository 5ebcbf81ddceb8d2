"""What a load delivers, staged in the engine: events with their ids, refused lines, and what they add to the rollup."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pyarrow as pa

from customer_behavior.ingest.mapping import EVENT_COLUMNS, check_header, mapping_sql
from customer_behavior.ingest.reading import Block, Refusal, read_delimited
from customer_behavior.ingest.source import Source
from customer_behavior.warehouse import sql_text

TABLE_COLUMNS = (
    "event_id", "event_time", "event_day", "customer_id", "session_id", "event_type", "product_id", "order_id", "quantity",
    "price", "discount", "category", "brand", "country", "device", "channel", "attributes", "batch_date", "source",
)  # fmt: skip
HASHED = [name for name in EVENT_COLUMNS if name not in ("event_day", "event_id")]


@dataclass
class Batch:
    """One source and date: its files, and what was found in them."""

    batch_date: date
    status: str  # loaded, empty or closed
    files: list[Path] = field(default_factory=list)
    rows_read: int = 0
    rows_rejected: int = 0


class Staging:
    """The staged rows of one load; `engine` is its own (see `open_engine`)."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, source: Source, shop_zone: ZoneInfo, landing: Path) -> None:
        self.engine = engine
        self.source = source
        self.shop_zone = shop_zone
        self.landing = landing
        columns = ", ".join(
            f"{name} {_kind(name)}" for name in (*EVENT_COLUMNS, "line", "reason", "detail", "batch_date", "file")
        )
        engine.execute(f"CREATE TABLE mapped ({columns})")

    def read(self, batch: Batch) -> list[dict]:
        """Stage a batch's files and count its rows; return its refused lines, as raw.rejected_events has them.

        Raises
        ------
        BadInputError
            When a file cannot be read as a whole, or lacks a column that the source maps.
        """
        refused = []
        for path in batch.files:
            name = str(path.relative_to(self.landing))
            for number, block in enumerate(read_delimited(path, self.source.delimiter)):
                if number == 0:
                    check_header(self.source, block.table.column_names, name)
                accepted, refusals = self.stage(block, batch.batch_date, name)
                batch.rows_read += accepted + len(refusals)
                batch.rows_rejected += len(refusals)
                refused += [
                    {
                        "source": self.source.name,
                        "batch_date": batch.batch_date,
                        "file": name,
                        "line": refusal.line,
                        "reason": refusal.reason,
                        "detail": refusal.detail,
                        "raw_text": refusal.raw_text,
                    }
                    for refusal in refusals
                ]
        if batch.status == "loaded" and not batch.rows_read:
            batch.status = "empty"
        return refused

    def stage(self, block: Block, batch_date: date, file: str) -> tuple[int, list[Refusal]]:
        """Map a block; return the number of events and all refusals, those of reading included."""
        self.engine.register("block", block.table.append_column("_line", pa.array(block.lines)))
        select = mapping_sql(self.source, block.table.column_names, batch_date, self.shop_zone)
        self.engine.execute(f"INSERT INTO mapped SELECT *, ?, ? FROM ({select})", [batch_date, file])
        self.engine.unregister("block")
        refusals = list(block.refusals)
        rows = self.engine.execute(
            "SELECT line, reason, detail FROM mapped WHERE reason IS NOT NULL ORDER BY line"
        ).fetchall()
        if rows:
            position = {int(line): index for index, line in enumerate(block.lines)}
            text = block.text
            refusals += [Refusal(line, reason, detail, text[position[line]][:10_000]) for line, reason, detail in rows]
            self.engine.execute("DELETE FROM mapped WHERE reason IS NOT NULL")
        return len(block.lines) - len(rows), refusals

    def identify(self) -> None:
        """Give every staged event its id and its place among the deliveries of that id in this load (1 owns it).

        Without an id of the source's own, the id is a hash of the row, and identical rows of one batch are told apart by their
        ordinal: two equal lines of a basket are two events, the same line delivered in two batches is one.
        """
        row = ", ".join(f"coalesce(CAST({name} AS VARCHAR), chr(30))" for name in HASHED)
        own = "event_id" in self.source.columns
        self.engine.execute(
            f"CREATE TABLE hashed AS SELECT *, {'event_id' if own else f'md5(concat_ws(chr(31), {row}))'} AS row_hash FROM mapped"
        )
        self.engine.execute("DROP TABLE mapped")
        self.engine.execute(
            """CREATE TABLE repeats AS
            SELECT batch_date, file, line, row_hash,
                row_number() OVER (PARTITION BY batch_date, row_hash ORDER BY file, line) AS ordinal
            FROM hashed SEMI JOIN (SELECT row_hash FROM hashed GROUP BY row_hash HAVING count(*) > 1) AS several
            USING (row_hash)"""
        )
        told_apart = "row_hash" if own else "row_hash || CASE WHEN ordinal > 1 THEN '-' || ordinal ELSE '' END"
        self.engine.execute(
            f"""CREATE TABLE places AS
            SELECT batch_date, file, line, {told_apart} AS id,
                row_number() OVER (PARTITION BY {told_apart} ORDER BY batch_date, file, line) AS delivery
            FROM repeats"""
        )
        self.engine.execute(
            f"""CREATE VIEW incoming AS
            SELECT hashed.* REPLACE (coalesce(places.id, hashed.row_hash) AS event_id),
                coalesce(places.delivery, 1) AS delivery, '{self.source.name}' AS source
            FROM hashed LEFT JOIN places USING (batch_date, file, line)"""
        )
        self.engine.execute("CREATE TABLE owned_before (event_id VARCHAR, batch_date DATE)")
        self.engine.execute(
            """CREATE VIEW owned AS SELECT * FROM incoming
            WHERE delivery = 1 AND (event_id, batch_date) NOT IN (SELECT event_id, batch_date FROM owned_before)"""
        )
        self.engine.execute(
            """CREATE VIEW disowned AS SELECT * FROM incoming
            WHERE delivery > 1 OR (event_id, batch_date) IN (SELECT event_id, batch_date FROM owned_before)"""
        )

    def days(self) -> set[tuple[date, date]]:
        """Return the (batch date, event day) pairs delivered."""
        return set(self.engine.execute("SELECT DISTINCT batch_date, event_day FROM hashed").fetchall())

    def keys(self, days: list[date]) -> pa.RecordBatchReader:
        """Return event_id, event_day, batch_date and delivery of the events on `days`."""
        return self.engine.sql(
            "SELECT event_id, event_day, batch_date, delivery FROM incoming WHERE event_day IN $days",
            params={"days": days},
        ).to_arrow_reader()

    def owned_elsewhere(self, keys: pd.DataFrame) -> None:
        """Take note of events (event_id, batch_date) that a batch loaded before owns."""
        if len(keys):
            self.engine.register("found", keys)
            self.engine.execute("INSERT INTO owned_before SELECT event_id, batch_date FROM found")
            self.engine.unregister("found")

    def events(self, relation: str) -> pa.RecordBatchReader:
        """Return the rows of `owned` or `disowned` in the columns of raw.events."""
        return self.engine.sql(f"SELECT {', '.join(TABLE_COLUMNS)} FROM {relation}").to_arrow_reader()

    def count_disowned(self) -> dict[date, int]:
        """Return the number of duplicates by batch."""
        return dict(self.engine.execute("SELECT batch_date, count(*) FROM disowned GROUP BY batch_date").fetchall())

    def customer_days(self) -> pa.RecordBatchReader:
        """Return the rows that the owned events add to features.customer_day."""
        zone = str(self.shop_zone)
        self.engine.execute(
            f"""CREATE OR REPLACE VIEW day_events AS
            SELECT *, coalesce(order_id, session_id, CAST(event_time AS VARCHAR)) AS order_key,
                CAST(extract(HOUR FROM timezone('{zone}', event_time)) AS SMALLINT) AS local_hour
            FROM owned WHERE customer_id IS NOT NULL"""
        )
        hours = "'{' || array_to_string(purchase_hours, ',') || '}' AS purchase_hours"
        shared = sql_text("features/customer_day").text
        return self.engine.sql(f"SELECT * REPLACE ({hours}) FROM ({shared})").to_arrow_reader()


def _kind(name: str) -> str:
    kinds = {
        "event_time": "TIMESTAMPTZ", "event_day": "DATE", "batch_date": "DATE", "line": "BIGINT", "quantity": "DECIMAL(24, 10)",
        "price": "DECIMAL(24, 10)", "discount": "DECIMAL(24, 10)",
    }  # fmt: skip
    return kinds.get(name, "VARCHAR")
