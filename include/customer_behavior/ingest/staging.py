"""What a load delivers, staged in the engine: events with their ids, refused lines, and what they add to the rollup."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from customer_behavior.ingest.blocks import Block, Refusal
from customer_behavior.ingest.engine import quoted
from customer_behavior.ingest.event_ids import id_sql, number_deliveries, varies
from customer_behavior.ingest.formats import read_file
from customer_behavior.ingest.landing import PassedOver
from customer_behavior.ingest.mapping import DATE_ONLY, DECIMAL, DELIVERED, EVENT_COLUMNS, check_header, mapping_sql
from customer_behavior.ingest.mending import mended, untidy_columns
from customer_behavior.ingest.numbers import DecimalSigns
from customer_behavior.ingest.order_state import FROM_ORDER, spread_refunds_sql
from customer_behavior.ingest.rates import Exchange
from customer_behavior.ingest.source import Source
from customer_behavior.warehouse import BATCH_ROWS, sql_text

TABLE_COLUMNS = (
    "event_id", "event_time", "event_day", "customer_id", "session_id", "event_type", "product_id", "order_id", "quantity",
    "price", "discount", "refunded", "charge", "category", "brand", "country", "device", "channel", "attributes", "batch_date",
    "source", "superseded_on",
)  # fmt: skip
BLOCKS_IN_MEMORY = 6  # of 32 MiB of text each
ROLLUP_ROWS = 3_000_000  # events rolled up at once


@dataclass
class Batch:
    """One source and date: its files, and what was found in them."""

    batch_date: date
    status: str  # loaded, empty or closed
    files: list[Path] = field(default_factory=list)
    rows_read: int = 0
    rows_rejected: int = 0
    rows_nobody: int = 0  # without customer and session, and not rejected
    rows_dropped: int = 0  # of these, not kept
    mended: Counter[str] = field(
        default_factory=Counter
    )  # values of ids that were not taken as they are, by what they were
    signs: DecimalSigns = field(default_factory=DecimalSigns)
    passed_over: list[PassedOver] = field(default_factory=list)


class Staging:
    """The staged rows of one load; `engine` is its own (see `open_engine`), `exchange` what its amounts are converted with."""

    def __init__(
        self,
        engine: duckdb.DuckDBPyConnection,
        source: Source,
        shop_zone: ZoneInfo,
        landing: Path,
        exchange: Exchange | None = None,
    ) -> None:
        self.engine = engine
        self.source = source
        self.shop_zone = shop_zone
        self.landing = landing
        self.exchange = exchange
        self.place = ("line", "item") if source.explode else ("line",)  # where in its file an event stands
        if exchange:
            engine.register("rates", exchange.table)
        self.blocks: list[str] = []  # tables of blocks in memory
        self.files: list[str] = []  # files of blocks that are not
        self.parts = 0  # of the rollup
        self.found = Batch(date.min, "loaded")  # the batch that is read, which counts what is found in it

    def read(self, batch: Batch) -> list[dict]:
        """Stage a batch's files and count its rows; return its refused lines, as raw.rejected_events has them.

        Raises
        ------
        BadInputError
            When a file cannot be read as a whole, or lacks a column that the source maps.
        """
        refused = []
        self.found = batch
        for path in batch.files:
            name = path.relative_to(self.landing).as_posix()
            checked = False
            for block in read_file(self.source, path):
                if not checked and block.table.column_names:  # a block of refused JSON lines has none
                    check_header(self.source, block.table.column_names, name)
                    checked = True
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

    def rows(self, block: Block) -> pa.Table:
        """Return the columns that the source wants, one that the block lacks being missing in each row, and the rows' places."""
        table = block.table
        nothing = pa.nulls(table.num_rows, pa.string())
        there = set(table.column_names)
        columns = {name: table[name] if name in there else nothing for name in self.source.wanted}
        return pa.table(columns | {f"_{name}": pa.array(of) for name, of in self._places(block).items()})

    def _places(self, block: Block) -> dict[str, np.ndarray]:
        if not self.source.explode:
            return {"line": block.lines}
        return {"line": block.lines, "item": np.ones_like(block.lines) if block.items is None else block.items}

    def stage(self, block: Block, batch_date: date, file: str) -> tuple[int, list[Refusal]]:
        """Map a block; return the number of events and all refusals, those of reading included."""
        rows = self.rows(block)
        self.engine.register("block", rows)
        delivered = rows.select(self.source.wanted)
        ragged = untidy_columns(self.source, delivered)
        if self.source.decimal is None and self.source.format == "csv":
            self.found.signs.look(delivered, self.source.number_columns)
        self.found.mended.update(mended(self.engine, self.source, ragged))
        select = mapping_sql(self.source, self.source.wanted, batch_date, self.shop_zone, ragged, self.exchange)
        # A table a block: DuckDB appends to a table at half the speed of making one.
        table = f"mapped_{len(self.files) + len(self.blocks)}"
        left_out = [
            *(name for name in EVENT_COLUMNS if name not in self.columns),
            *(DELIVERED if self.exchange else ()),
            DATE_ONLY,
        ]
        kept = f"* EXCLUDE ({', '.join(left_out)})"
        self.engine.execute(
            f"CREATE TABLE {table} AS SELECT {kept}, DATE '{batch_date}' AS batch_date, {quoted(file)} AS file,"
            f" {id_sql(self.source, batch_date, as_delivered=self.exchange is not None)} AS row_hash FROM ({select})"
        )
        self.engine.unregister("block")
        refusals = list(block.refusals)
        bad = f"FROM {table} WHERE reason IS NOT NULL"
        place = ", ".join(self.place)
        found = self.engine.execute(f"SELECT reason, detail, {place} {bad} ORDER BY {place}").fetchall()
        if found:
            places = zip(*(of.tolist() for of in self._places(block).values()), strict=True)
            position = {one: index for index, one in enumerate(places)}
            text = block.text
            refusals += [
                Refusal(at[0], reason, said, text[position[tuple(at)]][:10_000]) for reason, said, *at in found
            ]
            self.engine.execute(f"DELETE {bad}")
        self._count_nobodies(table)
        self._keep(table)
        return len(block.lines) - len(found), refusals

    def _count_nobodies(self, table: str) -> None:
        """Count a block's events that are nobody's, and drop them where the source says so."""
        names = [name for name in ("customer_id", "session_id") if name in self.columns]
        nobody = f"FROM {table} WHERE " + " AND ".join(f"{name} IS NULL" for name in names)
        [(count,)] = self.engine.execute(f"SELECT count(*) {nobody}").fetchall()
        self.found.rows_nobody += count
        if count and self.source.nobody == "drop":
            self.engine.execute(f"DELETE {nobody}")
            self.found.rows_dropped += count

    def _keep(self, table: str) -> None:
        """Keep a block in memory, or, once they are many, it and those before it in files, which are read by column."""
        self.blocks.append(table)
        if len(self.blocks) <= (1 if self.files else BLOCKS_IN_MEMORY):
            return
        [(folder,)] = self.engine.execute("SELECT current_setting('temp_directory')").fetchall()
        for name in self.blocks:
            file = f"{folder}/{name}.parquet"
            self.engine.execute(f"COPY {name} TO {quoted(file)} (FORMAT parquet, COMPRESSION lz4_raw)")
            self.engine.execute(f"DROP TABLE {name}")
            self.files.append(file)
        self.blocks.clear()

    def _nothing(self) -> str:
        """Return a SELECT without rows in the columns of a mapped block, for a load without files."""
        kinds = {
            "event_time": "TIMESTAMPTZ",
            "event_day": "DATE",
            "batch_date": "DATE",
            "line": "BIGINT",
            "item": "BIGINT",
        }
        kinds |= dict.fromkeys(("quantity", "price", "discount", "refunded"), DECIMAL)
        kinds[FROM_ORDER] = "DOUBLE"
        names = (
            *(name for name in EVENT_COLUMNS if name in self.columns),
            *self.place,
            *([FROM_ORDER] if FROM_ORDER in self.source.columns else ()),
            "batch_date",
            "file",
            "row_hash",
        )
        columns = ", ".join(f"CAST(NULL AS {kinds.get(name, 'VARCHAR')}) AS {name}" for name in names)
        return f"SELECT {columns} WHERE false"

    def _unfilled(self) -> str:
        """Return the columns that no row of the source fills, as raw.events has them by default."""
        kinds = {"quantity": f"CAST(1 AS {DECIMAL})"} | dict.fromkeys(
            ("price", "discount", "refunded"), f"CAST(NULL AS {DECIMAL})"
        )
        return "".join(
            f", {kinds.get(name, 'CAST(NULL AS VARCHAR)')} AS {name}"
            for name in EVENT_COLUMNS
            if name not in self.columns
        )

    def identify(self) -> None:
        """Give every staged event its id and its place among the deliveries of that id in this load, as `event_ids` says."""
        relations = [*self.blocks, *([f"read_parquet([{', '.join(map(quoted, self.files))}])"] if self.files else ())]
        blocks = " UNION ALL ".join(f"FROM {relation}" for relation in relations)
        filled = f"SELECT *{self._unfilled()} FROM ({blocks or self._nothing()})"
        if FROM_ORDER in self.source.columns:
            self.engine.execute(f"CREATE TABLE spread AS {spread_refunds_sql(f'({filled})')}")
            filled = "FROM spread"
        self.engine.execute(f"CREATE VIEW mapped AS {filled}")
        number_deliveries(self.engine, self.source, self.place)
        self._divide("delivery = 1")

    def _divide(self, condition: str) -> None:
        """Divide the incoming events into those that this load owns and those that another delivery owns."""
        self.engine.execute(f"CREATE OR REPLACE VIEW owned AS SELECT * FROM incoming WHERE {condition}")
        self.engine.execute(f"CREATE OR REPLACE VIEW disowned AS SELECT * FROM incoming WHERE NOT ({condition})")

    def days(self) -> set[tuple[date, date]]:
        """Return the (batch date, event day) pairs delivered."""
        return set(self.engine.execute("SELECT DISTINCT batch_date, event_day FROM mapped").fetchall())

    def order_days(self) -> pa.RecordBatchReader:
        """Return order_id, customer_id, event_day, batch_date: where the load has lines of orders.

        They are lines of purchases, unless the source states orders as a whole: then of any state.
        """
        bought = "" if self.source.order_delivery == "whole" else " AND (event_type = 'purchase' OR charge IS NOT NULL)"
        rows = f"SELECT DISTINCT order_id, customer_id, event_day, batch_date FROM mapped WHERE order_id IS NOT NULL{bought}"
        return self.engine.sql(rows).to_arrow_reader(BATCH_ROWS)

    def choose(
        self,
        days: Sequence[date] = (),
        spans: Sequence[tuple[date, datetime, datetime]] = (),
        orders: Sequence[str] = (),
    ) -> int:
        """Choose the events that another batch may deliver too; return how many they are.

        They are those on `days`, those in `spans` (event day, first and last time in UTC, both included) and those of `orders`.
        """
        chosen = ["event_day IN $days"] if days else []
        chosen += [
            f"(event_day = DATE '{day}' AND event_time BETWEEN TIMESTAMPTZ '{first}' AND TIMESTAMPTZ '{last}')"
            for day, first, last in spans
        ]
        chosen += ["order_id IN $orders"] if orders else []
        given = {name: list(of) for name, of in (("days", days), ("orders", orders)) if of}
        names = "event_id, event_day, batch_date, delivery"
        condition = " OR ".join(chosen) or "false"
        self.engine.execute(f"CREATE TABLE chosen AS SELECT {names} FROM incoming WHERE {condition}", given)
        [(count,)] = self.engine.execute("SELECT count(*) FROM chosen").fetchall()
        return count

    def keys(self) -> pa.RecordBatchReader:
        """Return event_id, event_day, batch_date and delivery of the events that were chosen."""
        return self.engine.sql("FROM chosen").to_arrow_reader(BATCH_ROWS)

    def owned_elsewhere(self, keys: pd.DataFrame) -> None:
        """Take note of events (event_id, batch_date) that a batch loaded before owns."""
        if len(keys):
            self.engine.register("found", keys)
            self.engine.execute(
                "CREATE TABLE owned_before AS SELECT event_id, CAST(batch_date AS DATE) AS batch_date FROM found"
            )
            self.engine.unregister("found")
            self._divide("delivery = 1 AND (event_id, batch_date) NOT IN (FROM owned_before)")

    def large_days(self, rows: int) -> list[date]:
        """Return the event days with more than `rows` events."""
        counted = f"SELECT event_day FROM mapped GROUP BY event_day HAVING count(*) > {rows} ORDER BY event_day"
        return [day for (day,) in self.engine.execute(counted).fetchall()]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of raw.events that rows of this source fill; the others keep the table's defaults."""
        return tuple(name for name in TABLE_COLUMNS if name not in EVENT_COLUMNS or self._fills(name))

    def _fills(self, name: str) -> bool:
        derived = name in ("event_time", "event_day", "event_type", "event_id")
        return derived or name in self.source.constants or varies(self.source, name)

    def events(self, relation: str, condition: str = "true") -> pa.RecordBatchReader:
        """Return the rows of `owned` or `disowned` that meet a condition, in `columns`."""
        return self.engine.sql(f"SELECT {', '.join(self.columns)} FROM {relation} WHERE {condition}").to_arrow_reader(
            BATCH_ROWS
        )

    def count_disowned(self) -> dict[date, int]:
        """Return the number of duplicates by batch."""
        return dict(self.engine.execute("SELECT batch_date, count(*) FROM disowned GROUP BY batch_date").fetchall())

    def roll_up(self) -> Future[None]:
        """Begin to make what the owned events add to features.customer_day, beside what the caller does next.

        More than ROLLUP_ROWS events are rolled up in parts of the customers, before anything else is done: sets of distinct values
        cannot leave the memory for the disk.
        """
        zone = quoted(str(self.shop_zone))
        [(rows,)] = self.engine.execute("SELECT count(*) FROM mapped").fetchall()
        self.parts = 1 + rows // ROLLUP_ROWS
        part = f" AND hash(customer_id) % {self.parts} = getvariable('part')" if self.parts > 1 else ""
        self.engine.execute(
            f"""CREATE VIEW day_events AS
            SELECT *, coalesce(order_id, session_id, CAST(event_time AS VARCHAR)) AS order_key,
                CAST(extract(HOUR FROM timezone({zone}, event_time)) AS SMALLINT) AS local_hour, true AS starts_order
            FROM owned WHERE customer_id IS NOT NULL{part}"""
        )
        definition = sql_text("ingest/customer_day").text
        cursor = self.engine.cursor()

        def work() -> None:
            for part in range(self.parts):
                cursor.execute(f"SET VARIABLE part = {part}")
                cursor.execute(f"CREATE TABLE rollup_{part} AS {definition}")
            cursor.close()

        pool = ThreadPoolExecutor(1, "rollup")
        begun = pool.submit(work)
        pool.shutdown(wait=False)
        if self.parts > 1:
            begun.result()
        return begun

    def customer_days(self) -> pa.RecordBatchReader:
        """Return the rows that `roll_up` has made."""
        rollups = " UNION ALL ".join(f"FROM rollup_{part}" for part in range(self.parts))
        return self.engine.sql(rollups).to_arrow_reader(BATCH_ROWS)
