"""Reading: every record with its line, bad ones refused alone, good ones never lost."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_behavior.errors import BadInputError
from customer_behavior.ingest import blocks, reading


def read(path: Path) -> tuple[list[tuple], list[tuple]]:
    """Return (line, *values) of the records and (line, reason) of the refusals."""
    records, refusals = [], []
    for block in reading.read_delimited(path):
        values = block.table.to_pylist()
        records += [(int(n), *row.values()) for n, row in zip(block.lines, values, strict=True)]
        refusals += [(refusal.line, refusal.reason) for refusal in block.refusals]
    return records, refusals


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_reads_plain_lines_with_their_numbers(tmp_path):
    records, refusals = read(write(tmp_path / "f.csv", b"a,b\n1,x\n2,\n3,z"))
    assert records == [(2, "1", "x"), (3, "2", None), (4, "3", "z")]
    assert refusals == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"1,2,3", "column_count"),
        (b"1", "column_count"),
        (b"\xff\xfe,2", "encoding"),
        (b"a\0b,2", "nul_byte"),
        (b'"open,2', "unreadable"),
    ],
)
def test_a_bad_line_is_refused_alone(tmp_path, bad, reason):
    records, refusals = read(write(tmp_path / "f.csv", b"a,b\n1,x\n" + bad + b"\n2,y\n"))
    assert records == [(2, "1", "x"), (4, "2", "y")]
    assert refusals == [(3, reason)]


def test_quoted_newlines_belong_to_one_record(tmp_path):
    records, refusals = read(write(tmp_path / "f.csv", b'a,b\n1,"two\nlines"\n2,"a ""quote"""\n'))
    assert records == [(2, "1", "two\nlines"), (4, "2", 'a "quote"')]
    assert refusals == []


def test_blocks_of_any_size_give_the_same_records(tmp_path, monkeypatch):
    lines = [f"{n},{'x' * (n % 50)}" for n in range(1, 400)]
    lines[100] = "1,2,3,4"
    path = write(tmp_path / "f.csv", ("a,b\n" + "\n".join(lines)).encode())
    whole = read(path)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 64)
    assert read(path) == whole
    assert len(whole[0]) == 398
    assert whole[1] == [(102, "column_count")]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1), min_size=2, max_size=2)
    )
)
def test_whatever_a_csv_writer_writes_is_read_again(tmp_path_factory, rows):
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([["a", "b"], *rows])
    path = tmp_path_factory.mktemp("csv") / "f.csv"
    path.write_bytes(buffer.getvalue().encode())
    records, refusals = read(path)
    assert [list(record[1:]) for record in records] == rows
    assert refusals == []


def test_broken_gzip_names_the_file(tmp_path):
    whole = gzip.compress(b"a,b\n" + b"1,2\n" * 10_000)
    path = write(tmp_path / "f.csv.gz", whole[: len(whole) // 2])
    with pytest.raises(BadInputError, match=r"f\.csv\.gz: the gzip stream is broken"):
        read(path)


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "no header line"), (b"a,a\n1,2\n", "stands twice"), (b"\xff,b\n", "no UTF-8")]
)
def test_an_unusable_header_stops_the_file(tmp_path, content, message):
    with pytest.raises(BadInputError, match=message):
        read(write(tmp_path / "f.csv", content))


@pytest.mark.parametrize("block_bytes", [8, 1 << 20])
def test_a_file_without_a_header_line_is_read_from_its_first_line(tmp_path, monkeypatch, block_bytes):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
    path = write(tmp_path / "f.csv", b'\xef\xbb\xbf1,a\n2,"b\nb"\n3\n4,d')
    found = list(reading.read_delimited(path, header=("id", "name")))
    rows = [
        (int(n), *row.values()) for block in found for n, row in zip(block.lines, block.table.to_pylist(), strict=True)
    ]
    assert rows == [(1, "1", "a"), (2, "2", "b\nb"), (5, "4", "d")]
    assert [(one.line, one.reason) for block in found for one in block.refusals] == [(4, "column_count")]
