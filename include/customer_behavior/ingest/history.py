"""A shop's whole history in one export: cut into daily files below its source's path, from where it is loaded like any other days.

What loads, replays, erases or is asked of a batch works on daily files; so a history becomes some.
"""

import gzip
import logging
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from customer_behavior.asof import ONE_DAY, parse_date
from customer_behavior.errors import BadInputError, ConfigurationError, NotReadyError
from customer_behavior.ingest.engine import open_engine
from customer_behavior.ingest.file_names import Pattern
from customer_behavior.ingest.history_days import EPOCH, UNKNOWN, Days, Spool
from customer_behavior.ingest.landing import landed_files
from customer_behavior.ingest.same_content import relation
from customer_behavior.ingest.source import Source, load_source
from customer_behavior.settings import Shop

log = logging.getLogger(__name__)

LONGEST_GAP = 366  # days without a row; a longer one is a wrong year somewhere


@dataclass(frozen=True)
class Cut:
    """What became of a history: its days, and where its rows are.

    Attributes
    ----------
    first, last : date
        First and last shop-local day, both included.
    written, kept, empty : int
        Daily files written, those that were there with the same content, and, of both, those of days without a row.
    rows : int
        Rows in these files, those that will be refused included.
    unreadable : int
        Of the file's rows, those without a readable time, or no records at all; they stand beside the row before them.
    outside : int
        Rows of days before or after those asked for, which are in no daily file.
    """

    first: date
    last: date
    written: int
    kept: int
    empty: int
    rows: int
    unreadable: int
    outside: int

    def __str__(self) -> str:
        said = f"{self.rows:,} rows of {self.first} to {self.last} in {self.written + self.kept:,} daily files"
        for count, words in (
            (self.kept, "of them there already"),
            (self.empty, "of them without a row"),
            (self.unreadable, "rows without a readable time, beside the row before them, will be refused"),
            (self.outside, "rows of other days left out"),
        ):
            said += f"; {count:,} {words}" if count else ""
        return said


def history_file(name: str, landing: Path) -> Path:
    """Return the file that a form names below the landing folder; raise ConfigurationError when it lies elsewhere or is not there."""
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "://" in name:
        raise ConfigurationError(
            f"file {name!r}: name it relative to the landing folder {landing}, as history/orders.csv"
        )
    if not (landing / name).is_file():
        raise ConfigurationError(f"there is no file {name!r} below the landing folder {landing}")
    return landing / name


def history_range(
    shop: Shop, source_name: str, file: str | None, first: str | None, last: str | None, *, landing: Path
) -> tuple[date, date]:
    """Return the first and last day that a form asks to load; a file that it names is cut into daily files before.

    Raises
    ------
    ConfigurationError
        When a date cannot be read, or there is neither a file nor a range.
    """
    if not file:
        return parse_date(first, "from_date"), parse_date(last, "to_date")
    asked = [parse_date(text, name) if text else None for text, name in ((first, "from_date"), (last, "to_date"))]
    cut = cut_history(shop, source_name, history_file(file, landing), landing=landing, first=asked[0], last=asked[1])
    return cut.first, cut.last


def cut_history(
    shop: Shop, source_name: str, path: Path, *, landing: Path, first: date | None = None, last: date | None = None
) -> Cut:
    """Cut one file of a source, in its format, into daily files by shop-local event day, in bounded memory.

    Files are made beside the landing folder's others and moved there at the end. A day's file that is there with the same content
    is left, so that a cut can be run again. A day in between without a row gets a file without one, unless its source may do without.
    `first` and `last`, both included, take some of the days.

    Raises
    ------
    BadInputError
        When the file cannot be read as a whole, no row has a readable time, a year passes without a row, or a day has files that
        say something else.
    ConfigurationError
        When the source's path has no room for a file a day, or the landing folder cannot be written.
    """
    source = load_source(source_name)
    if Pattern("*").kind(path.name) == "unfinished":
        raise NotReadyError(
            f"{path}: its name is that of a file still being written; give it its final name when it is complete"
        )
    with _workshop(landing) as folder, open_engine(source.timezone) as engine:
        spool, days = Spool(folder, source), Days(engine, source, shop.zone)
        spool.fill(path, days)
        found = sorted(day for day in spool.records if day != UNKNOWN)
        wanted = [
            day for day in found if (first is None or _date(day) >= first) and (last is None or _date(day) <= last)
        ]
        if not wanted:
            raise BadInputError(_nothing(path, source, [_date(day) for day in found]))
        _require_no_gap(path, [_date(day) for day in wanted])
        begin, end = first or _date(wanted[0]), last or _date(wanted[-1])
        files = _Files(source, landing, spool, folder, path.name.endswith(".gz"), lead=found[0])
        plan = [begin + timedelta(days=n) for n in range((end - begin) // ONE_DAY + 1)]
        written, kept = files.place([day for day in plan if files.due(day)])
        at_begin = spool.records[UNKNOWN] if _date(found[0]) >= begin else 0
        rows = sum(spool.records[day] for day in wanted) + at_begin
        empty = len({*written, *kept} - {_date(day) for day in wanted})
        cut = Cut(
            begin, end, len(written), len(kept), empty, rows, days.unreadable, outside=spool.records.total() - rows
        )
    log.info("%s: %s: %s", source.name, path.name, cut)
    return cut


def _date(day: int) -> date:
    return date.fromordinal(EPOCH + day)


def _nothing(path: Path, source: Source, days: list[date]) -> str:
    if days:
        return f"{path}: no row of the days asked for; its rows are of {days[0]} to {days[-1]}"
    column = source.columns["event_time"]
    return (
        f"{path}: no row has a time that can be read; correct columns.event_time ({column}), time_unit or format in "
        f"include/sources/{source.name}.yaml (check-source shows what it reads)"
    )


def _require_no_gap(path: Path, days: list[date]) -> None:
    for day, following in pairwise(days):
        if (following - day).days > LONGEST_GAP:
            raise BadInputError(
                f"{path}: no row between {day} and {following}; if the days before or after are mistakes, name the first and the last "
                "day that you want (from and to)"
            )


@contextmanager
def _workshop(landing: Path) -> Iterator[Path]:
    """Yield a folder to make files in: of a landing folder its own, so that they can be moved there at once."""
    try:
        if isinstance(landing, Path):
            landing.mkdir(parents=True, exist_ok=True)
        work = tempfile.TemporaryDirectory(prefix=".cut-history-", dir=landing if isinstance(landing, Path) else None)
    except OSError as error:
        raise _unwritable(landing, error) from error
    with work as folder:
        yield Path(folder)


def _unwritable(place: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{place} cannot be written ({error}): a history becomes daily files there; let this user write, or run python -m "
        "customer_behavior cut-history where that is allowed, then load the range"
    )


@dataclass
class _Files:
    """The daily files of a history: made in `folder`, placed below `landing`."""

    source: Source
    landing: Path
    spool: Spool
    folder: Path
    compressed: bool
    lead: int  # the day whose file takes the records before the first with a day

    def due(self, day: date) -> bool:
        """Return whether a day gets a file: it has rows, or its batch would be missing without one."""
        if self.spool.records[day.toordinal() - EPOCH]:
            return True
        return self.source.on_missing != "empty" and not self.source.calendar.is_closed(day)

    def place(self, days: list[date]) -> tuple[list[date], list[date]]:
        """Write the files of `days`; return the days written and those kept. Nothing is written when one of them is in the way."""
        kept, taken = [], []
        for day in days:
            there = landed_files(self.source, day, self.landing).files
            if there and self._says_the_same(there, day):
                kept.append(day)
            elif there:
                taken.append(there[0].relative_to(self.landing).as_posix())
        if taken:
            more = f" and {len(taken) - 1} more days" if len(taken) > 1 else ""
            raise BadInputError(
                f"{taken[0]}{more}: there are files of these days, and they do not hold what the history has for them; nothing was "
                "written. Remove them, or name the first and the last day to cut (from and to)"
            )
        written = sorted({*days} - {*kept})
        for day in written:
            self._move(self._made(day), self.landing / daily_name(self.source, day, self.compressed))
        return written, kept

    def _says_the_same(self, there: list[Path], day: date) -> bool:
        if not self.spool.records[day.toordinal() - EPOCH]:
            return True  # the history has nothing to say against it
        return len(there) == 1 and relation(there[0], self._made(day)) == "same"

    def _made(self, day: date) -> Path:
        name = PurePosixPath(daily_name(self.source, day, self.compressed)).name
        number = day.toordinal() - EPOCH
        also = UNKNOWN if number == self.lead and self.spool.records[UNKNOWN] else None
        made = self.folder / f"made-{name}"
        with made.open("wb") as file:
            if name.endswith(".gz") and self.source.format != "parquet":
                with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
                    self.spool.write(number, also, cast("BinaryIO", packed))
            else:
                self.spool.write(number, also, file)
        return made

    def _move(self, made: Path, target: Path) -> None:
        try:
            if isinstance(self.landing, Path):
                target.parent.mkdir(parents=True, exist_ok=True)
                made.replace(target)
                return
            with made.open("rb") as content, target.open("wb") as uploaded:
                shutil.copyfileobj(content, uploaded, 1 << 20)
            made.unlink()
        except OSError as error:
            raise _unwritable(target, error) from error


def daily_name(source: Source, day: date, compressed: bool) -> str:
    """Return the path of a day's file below the landing folder, one that the source's path finds; compressed where that allows it.

    Raises
    ------
    ConfigurationError
        When the source's path leaves open what only its deliverer knows.
    """
    wanted = PurePosixPath(source.path.format(date=day.isoformat()))
    parts = [re.sub(r"\*+", "", part).replace("?", "0") for part in wanted.parts]
    name = f"history{parts[-1]}" if parts[-1].startswith(".") and wanted.name.startswith("*") else parts[-1]
    names = [f"{name}.gz", name] if compressed else [name, f"{name}.gz"]
    for one in names if source.format != "parquet" else [name]:
        if one and fnmatchcase(one, wanted.name) and Pattern(wanted.name).kind(one) == "finished":
            return str(PurePosixPath(*(part for part in parts[:-1] if part), one))
    raise ConfigurationError(
        f"include/sources/{source.name}.yaml: path {source.path} has no room for a file a day; write it like {source.name}/{{date}}*.csv*"
    )
