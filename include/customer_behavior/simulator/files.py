"""Files that appear whole: written under a name with a leading dot and renamed; compressed beside the simulation."""

import gzip
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

MAX_WAITING = 3


class FileWriter:
    """Writes files one after the other in a thread of its own; at most a few blocks wait in memory."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._waiting: deque[Future] = deque()

    def __enter__(self) -> "FileWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            while self._waiting and error is None:
                self._waiting.popleft().result()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def submit(self, work, *arguments) -> None:
        """Do some work after all that was submitted; an error of earlier work is raised here."""
        self._waiting.append(self._pool.submit(work, *arguments))
        while len(self._waiting) > MAX_WAITING:
            self._waiting.popleft().result()


class WholeFile:
    """A file in the making, gzipped if its name ends in .gz; the same bytes make the same file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._unfinished = path.with_name("." + path.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._raw = self._unfinished.open("wb")
        self._file = cast(BinaryIO, self._raw)
        if path.suffix == ".gz":
            self._file = cast(BinaryIO, gzip.GzipFile("", "wb", compresslevel=1, fileobj=self._raw, mtime=0))

    def write(self, parts: Iterable[bytes | memoryview]) -> None:
        """Append bytes."""
        for part in parts:
            self._file.write(part)

    def finish(self) -> None:
        """Close the file and give it its name."""
        if self._file is not self._raw:
            self._file.close()
        self._raw.close()
        self._unfinished.rename(self.path)


def write_whole(path: Path, data: bytes) -> None:
    """Write a small file."""
    file = WholeFile(path)
    file.write([data])
    file.finish()
