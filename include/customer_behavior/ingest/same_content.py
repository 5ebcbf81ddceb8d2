"""Which of a batch's files say the same: compared piece by piece, decompressed, in bounded memory."""

import hashlib
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal

from customer_behavior.errors import BadInputError
from customer_behavior.ingest.blocks import open_text

PIECE = 1 << 20  # bytes that are held of a file
HEAD = 64 << 10  # files that differ do so here already, most of them
Relation = Literal["same", "shorter", "longer", "different"]


def relation(one: Path, other: Path) -> Relation:
    """Return how the content of `one` is to that of `other`: "shorter" when it breaks off where the other goes on."""
    left, right = Content(one), Content(other)
    with closing(left.pieces()) as ours, closing(right.pieces()) as theirs:
        mine, its = b"", b""
        while True:
            mine, its = mine or next(ours, b""), its or next(theirs, b"")
            if not mine or not its:
                break
            size = min(len(mine), len(its))
            if mine[:size] != its[:size]:
                return "different"
            mine, its = mine[size:], its[size:]
    if mine or its:
        return "longer" if mine else "shorter"
    if left.broken != right.broken:
        return "shorter" if left.broken else "longer"
    return "same"


def alike(files: Sequence[Path], header_lines: int) -> list[list[Path]]:
    """Return the groups of two and more files with the same content, each in the order given.

    Files with no line beyond `header_lines` are in none: a header alone, or nothing, holds no row to count twice. Of files that
    begin differently only the beginning is read.
    """
    heads: dict[bytes, list[Path]] = defaultdict(list)
    for file in files:
        head = Content(file).head()
        if head and head.count(b"\n") + 1 > header_lines:
            heads[hashlib.sha256(head).digest()].append(file)
    groups: dict[bytes, list[Path]] = defaultdict(list)
    for several in heads.values():
        for file in several if len(several) > 1 else ():
            digest = Content(file).digest()
            if digest is not None:
                groups[digest].append(file)
    return [group for group in groups.values() if len(group) > 1]


class Content:
    """What a file holds, as far as it can be read.

    Line ends and the mark of UTF-8 at the beginning do not count, nor do line ends at the end of a text: programs that pass a file
    on change them. Attribute `broken`, after reading: the compression broke off.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.text = not file.name.endswith((".parquet", ".pq"))
        self.broken = False

    def pieces(self) -> Generator[bytes, None, None]:
        """Yield the content in pieces, none of them empty."""
        held = b""  # line ends that may be the last
        first = True
        for piece in self._raw():
            if self.text:
                piece = (piece.removeprefix(b"\xef\xbb\xbf") if first else piece).replace(b"\r", b"")
                first = False
                kept = (held + piece).rstrip(b"\n") if piece.strip(b"\n") else b""
                held, piece = (held + piece)[len(kept) :], kept
                if len(held) > PIECE:
                    held, piece = b"", piece + held
            if piece:
                yield piece

    def _raw(self) -> Iterator[bytes]:
        try:
            with open_text(self.file) as opened:
                while piece := opened.read(PIECE):
                    yield piece
        except BadInputError:  # said when it is read
            self.broken = True

    def head(self) -> bytes:
        """Return the first HEAD bytes."""
        with closing(self.pieces()) as pieces:
            return next(pieces, b"")[:HEAD]

    def digest(self) -> bytes | None:
        """Return a digest of all of it; None when it breaks off."""
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return None if self.broken else digest.digest()
