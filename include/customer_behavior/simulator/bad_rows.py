"""Bad rows: a good line, broken in one of several ways. Each kind names the reason that ingest should give."""

from collections.abc import Callable

import numpy as np

TIME, TYPE, PRICE, USER, SESSION = 0, 1, 6, 7, 8  # positions in the clickstream columns

Fields = list[bytes]


def _put(position: int, value: bytes) -> Callable[[Fields], bytes]:
    def broken(fields: Fields) -> bytes:
        return b",".join([*fields[:position], value, *fields[position + 1 :]])

    return broken


def _time(first: bytes) -> Callable[[Fields], bytes]:
    return lambda fields: _put(TIME, first + fields[TIME][10:])(fields)


def _nobody(fields: Fields) -> bytes:
    return b",".join([*fields[:USER], b"", b"", *fields[SESSION + 1 :]])


def _few(fields: Fields) -> bytes:
    return b",".join(fields[:PRICE])


def _many(fields: Fields) -> bytes:
    return b",".join([*fields, b"surplus", b"surplus"])


# kind -> (reason in raw.rejected_events, how a good line becomes it)
KINDS: dict[str, tuple[str, Callable[[Fields], bytes]]] = {
    "time_missing": ("time_missing", _put(TIME, b"")),
    "time_unreadable": ("time_unreadable", _put(TIME, b"yesterday at noon")),
    "time_impossible": ("time_unreadable", _time(b"2024-02-31")),
    "time_ancient": ("time_outside_batch", _time(b"1900-01-01")),
    "time_far_future": ("time_outside_batch", _time(b"2999-12-31")),
    "type_missing": ("type_unknown", _put(TYPE, b"")),
    "type_unknown": ("type_unknown", _put(TYPE, b"teleported")),
    "nobody": ("nobody", _nobody),
    "price_unreadable": ("number_unreadable", _put(PRICE, b"twelve")),
    "price_huge": ("number_unreadable", _put(PRICE, b"1e308")),
    "price_nan": ("number_unreadable", _put(PRICE, b"nan")),
    "price_negative": ("price_negative", _put(PRICE, b"-9.99")),
    "columns_few": ("column_count", _few),
    "columns_many": ("column_count", _many),
    "encoding": ("encoding", lambda fields: _put(5, b"Caf\xe9")(fields)),
    "nul_byte": ("nul_byte", lambda fields: _put(5, b"br\0and")(fields)),
    "quote_unclosed": ("unreadable", lambda fields: _put(5, b'"brand')(fields)),
}


def break_line(line: bytes, kind: str) -> bytes:
    """Return a good line, without its line break, as a bad one of a kind, with its line break."""
    return KINDS[kind][1](line.split(b",")) + b"\n"


def plan(counts: dict[str, int], days: int, rng: np.random.Generator) -> list[list[str]]:
    """Return the kinds of bad rows of each day, so that each kind comes up as often as it is to, over all days."""
    planned: list[list[str]] = [[] for _ in range(days)]
    for kind in KINDS:
        for day in rng.integers(0, days, counts.get(kind, 0)):
            planned[day].append(kind)
    return planned
