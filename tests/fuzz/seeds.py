"""Where fuzzing begins, and what it has found: all are run by `make test` too."""

from __future__ import annotations

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq


def _parquet() -> bytes:
    rows = [{"a": "x", "b": 1.5, "n": [{"x": 1}], "p": [{"key": "key", "value": {"s": "v"}}]}, {"a": None, "b": 2.0}]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer, compression="none")
    return buffer.getvalue()


ROW = b"2024-03-05 10:00:00\x1fpurchase\x1fc1\x1fmilk\x1f%s\x1f%s\x1f%s\x1fk"
SEEDS: dict[str, list[bytes]] = {
    "delimited": [b"\x40a,b\n1,x\n2,\n", b'\x05a,b\r\n"1","two\nlines"\r\n"open,2\n', b"\xff\xef\xbb\xbfa\n\n1\n", b"\x10a,b\n\n\n"],
    "gzipped": [gzip.compress(b"a,b\n1,x\n", mtime=0), gzip.compress(b'a,b\n"1\n2",x\n', mtime=0)],
    "jsonl": [b'\x40{"a": 1, "n": [{"x": "\xc3\xa9"}]}\n{"p": [{"key": "key", "value": 1}]}\n', b"\x05{\n[1]\n\n{}\n",
              b'\x08{"a":"\\ud800"}\n{'],
    "parquet": [_parquet()],
    "mapping": [ROW % (b"1", b"2.50", b"0"), ROW % (b"-1e9", b"1e9", b"1e-300"), ROW % (b"1e-300", b"1e9", b"NaN"), b"\x1f\x1f"],
}  # fmt: skip
FOUND: dict[str, list[bytes]] = {}
