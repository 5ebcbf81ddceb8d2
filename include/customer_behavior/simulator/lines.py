"""Events as lines of the clickstream file: text is joined by Arrow, never one event at a time."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_behavior.simulator.sessions import TYPES, Rows, Visits

COLUMNS = (
    "event_time", "event_type", "product_id", "category_id", "category_code", "brand", "price", "user_id", "user_session",
    "country", "device", "channel",
)  # fmt: skip
HEADER = (",".join(COLUMNS) + "\n").encode()
STAMP = "2019-10-01 00:00:00 UTC"
DAY_SECONDS = 86_400
_CLOCK = np.frombuffer(
    "".join(f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d} UTC" for s in range(DAY_SECONDS)).encode(), np.uint8
).reshape(DAY_SECONDS, -1)
_TYPES = pa.array(TYPES, pa.string())


def stamps(seconds: np.ndarray) -> pa.StringArray:
    """Return UTC seconds as text like STAMP."""
    count, width = len(seconds), len(STAMP)
    day, clock = np.divmod(seconds, DAY_SECONDS)
    first = int(day.min()) if count else 0
    days = np.datetime64(first, "D") + np.arange(int(day.max()) - first + 1 if count else 1)
    dates = np.frombuffer("".join(f"{each} " for each in days).encode(), np.uint8).reshape(len(days), -1)
    text = np.empty((count, width), np.uint8)
    text[:, :11] = dates[day - first]
    text[:, 11:] = _CLOCK[clock]
    offsets = np.arange(count + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))


def tails(visits: Visits, first_session: int, user_ids: pa.Array, names: dict[str, pa.Array]) -> pa.Array:
    """Return user_id,user_session,country,device,channel and a line break of each session."""
    users = user_ids.take(pa.array(visits.customer))
    if visits.anonymous.any():
        users = pc.if_else(pa.array(visits.anonymous), "", users)
    numbers = pa.array(np.arange(first_session, first_session + len(visits))).cast(pa.string())
    sessions = pc.binary_join_element_wise("s", numbers, "")
    seen = [names[dimension].take(pa.array(getattr(visits, dimension))) for dimension in ("country", "device")]
    last = pc.binary_join_element_wise(names["channel"].take(pa.array(visits.channel)), "\n", "")
    return pc.binary_join_element_wise(users, sessions, *seen, last, ",")


def lines_of(rows: Rows, product_text: pa.Array, tail_text: pa.Array) -> pa.Array:
    """Return each row as a line, line break included."""
    return pc.binary_join_element_wise(
        stamps(rows.time),
        _TYPES.take(pa.array(rows.kind)),
        product_text.take(pa.array(rows.product)),
        tail_text.take(pa.array(rows.session)),
        ",",
    )


def content(lines: pa.Array) -> memoryview:
    """Return lines as one run of bytes, without copying."""
    offsets, data = _buffers(lines)
    return memoryview(data)[offsets[0] : offsets[-1]] if len(offsets) > 1 else memoryview(b"")


def with_inserted(lines: pa.Array, at: list[int], extra: list[bytes]) -> list[bytes | memoryview]:
    """Return the bytes of lines with others put before the lines `at`, which are in rising order."""
    offsets, data = _buffers(lines)
    parts: list[bytes | memoryview] = []
    view, begin = memoryview(data), int(offsets[0])
    for place, line in zip(at, extra, strict=True):
        parts += [view[begin : offsets[place]], line]
        begin = int(offsets[place])
    return [*parts, view[begin : offsets[-1]]]


def _buffers(lines: pa.Array) -> tuple[np.ndarray, pa.Buffer]:
    _, offsets, data = lines.buffers()
    if not len(lines):
        return np.zeros(1, np.int32), pa.py_buffer(b"")
    return np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1], data
