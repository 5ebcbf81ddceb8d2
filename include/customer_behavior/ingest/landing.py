"""Finding the landed files of a batch, in a folder or an object store: finished ones, each content once.

A root is a `pathlib.Path`, or what has its `glob`, `open`, `stat`, `suffix`, `parts` and `relative_to`: `UPath` and Airflow's
`ObjectStoragePath`. The rules, and why, are those of docs/sources.md ("Which files are read").
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from customer_behavior.errors import BadInputError, ConfigurationError
from customer_behavior.ingest.file_names import BACKUP, Pattern, stem, uncompressed, uncopied
from customer_behavior.ingest.same_content import alike, relation

SAID = {
    "unfinished": "its name is that of a file still being written",
    "backup": "its name is that of a backup",
    "hidden": "its name begins with a dot: it is hidden, as a file still being written often is",
    "ending": "its ending is none that the source's path means",
}

SHOWN = 5  # files that a message names


class Landed(Protocol):
    """A source or a dimension: `path` is its pattern below the root, with `{date}`."""

    @property
    def path(self) -> str:
        """The pattern of its files, below the root."""
        ...


@dataclass(frozen=True)
class PassedOver:
    """A file that lies where a batch's files land and is not read; `reason` is half a sentence."""

    file: Path
    reason: str


@dataclass(frozen=True)
class Found:
    """What has landed for a batch.

    Attributes
    ----------
    files : list of path
        Those to read, in the order of their names.
    passed_over : list of PassedOver
        Those that lie there too.
    awaited : list of PassedOver
        Of these, uploads whose finished file is not there: until it is, the batch has not landed.
    """

    files: list[Path] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)
    awaited: list[PassedOver] = field(default_factory=list)

    def without(self, others: Iterable[PassedOver]) -> "Found":
        """Return it with some more files passed over."""
        passed = {one.file: one for one in others}
        kept = [file for file in self.files if file not in passed]
        return replace(self, files=kept, passed_over=[*self.passed_over, *passed.values()])


def landed_files(source: Landed, batch_date: date, landing: Path) -> Found:
    """Return the files of a batch as their names and sizes tell; `*` in the source's path matches several. None is opened.

    Raises
    ------
    ConfigurationError
        When an object store refuses the listing, or its bucket does not exist; a root without files is none.
    """
    wanted = source.path.format(date=batch_date.isoformat())
    pattern = Pattern(PurePosixPath(wanted).name)
    named = _listed(landing, wanted)
    found = _by_name(named, pattern, landing, wanted)
    if not found.files and not found.awaited:
        return _beside(found, pattern, batch_date, landing, wanted)
    return found


def counted_once(found: Found, landing: Path, header_lines: int) -> Found:
    """Return what is left to read when each content counts once; only batches of several files are opened.

    Files whose names differ by a copy's mark or by `.gz` are one file: of two states the one that goes on where the other breaks
    off is read. Other files with the same content count once too, unless none of them has a row.

    Raises
    ------
    BadInputError
        When two copies of a file contradict each other; the message names both.
    """
    if len(found.files) < 2:
        return found
    families: dict[tuple, list[Path]] = defaultdict(list)
    for file in found.files:
        families[(*file.parts[:-1], uncompressed(file.name))].append(file)
    for family in families.values():
        found = found.without(_older_states(family, landing))
    for first, *others in alike(found.files, header_lines):
        words = f"it holds the same as {_shown(first, landing)}"
        found = found.without(PassedOver(file, words) for file in others)
    return found


def still_awaited(found: Found, landing: Path) -> str:
    """Return which uploads are running and what to do, in a sentence."""
    named = [f"{_shown(one.file, landing)}: {one.reason}" for one in found.awaited[:SHOWN]]
    more = f" (and {len(found.awaited) - len(named)} more)" if len(found.awaited) > len(named) else ""
    return f"{'; '.join(named)}{more}; give it its final name when it is complete, or remove it"


def as_json(passed_over: list[PassedOver], landing: Path) -> str:
    """Return files that were passed over as the ledger keeps them: a list of {file, reason}."""
    return json.dumps([{"file": _shown(one.file, landing), "reason": one.reason} for one in passed_over])


def _by_name(named: list[Path], pattern: Pattern, landing: Path, wanted: str) -> Found:
    hidden_folders = any(part.startswith(".") for part in PurePosixPath(wanted).parts[:-1])
    finished: list[Path] = []
    passed: list[PassedOver] = []
    unfinished: list[PassedOver] = []
    for file in named:
        kind = pattern.kind(file.name)
        if not hidden_folders and any(part.startswith(".") for part in file.relative_to(landing).parts[:-1]):
            passed.append(PassedOver(file, "its folder is hidden"))
        elif kind == "finished":
            with suppress(FileNotFoundError):  # gone since it was listed
                if file.stat().st_size:
                    finished.append(file)
                else:
                    unfinished.append(PassedOver(file, "it is empty (0 bytes), as an upload is that has just begun"))
        else:
            uploading = kind == "unfinished" or (kind == "hidden" and _becomes_one(file.name, pattern))
            (unfinished if uploading else passed).append(PassedOver(file, SAID[kind]))
    daily = [file for file in finished if not pattern.is_intraday(file.name)]
    if daily:
        early = [file for file in finished if file not in daily]
        finished = daily
        passed += [PassedOver(file, f"the day's own file {daily[0].name} lies beside it") for file in early]
    there = {stem(file.name) for file in finished}
    awaited = [
        one
        for one in unfinished
        if stem(one.file.name) not in there and not (daily and pattern.is_intraday(one.file.name))
    ]
    return Found(finished, [*passed, *unfinished], awaited)


def _beside(found: Found, pattern: Pattern, batch_date: date, landing: Path, wanted: str) -> Found:
    """Return `found` with what lies in the batch's folder under a name that the pattern does not match, as uploads often have."""
    folder = PurePosixPath(wanted).parent
    dated = f"*{batch_date}*" if str(batch_date) in pattern.name else "*"
    known = {one.file for one in found.passed_over}
    awaited, passed = [], []
    for file in _listed(landing, str(folder / dated)):
        if file in known:
            continue
        kind = pattern.kind(file.name)
        becomes_one = _becomes_one(file.name, pattern)
        if kind in ("unfinished", "hidden") and becomes_one:
            awaited.append(PassedOver(file, SAID[kind]))
        elif kind != "hidden" and (becomes_one or fnmatchcase(uncopied(file.name), pattern.name)):
            passed.append(PassedOver(file, f"path means {pattern.name}"))
    return replace(found, passed_over=[*found.passed_over, *awaited, *passed], awaited=awaited)


def _becomes_one(name: str, pattern: Pattern) -> bool:
    """Return whether a file may get a name that the pattern matches when its upload, or what else it is, is over."""
    if BACKUP.search(name.lstrip(".")):
        return False
    parts = name.lstrip(".").split(".")
    return any(fnmatchcase(".".join(parts[:count]), pattern.name) for count in range(1, len(parts) + 1))


def _older_states(family: list[Path], landing: Path) -> Iterable[PassedOver]:
    """Yield what of a file's copies is not to be read."""
    family = sorted(family, key=lambda file: (uncopied(file.name) != file.name, file.name))
    best = family[0]
    passed: list[PassedOver] = []
    for file in family[1:]:
        how = relation(best, file)
        names = f"{_shown(best, landing)} and {_shown(file, landing)}"
        if how == "different":
            raise BadInputError(
                f"{names} are copies of one file by their names, and differ: leave the one that holds the day, and move or rename "
                "the other"
            )
        if how == "shorter":
            passed.append(PassedOver(best, f"it breaks off where {_shown(file, landing)} goes on"))
            best = file
        elif how == "longer":
            passed.append(PassedOver(file, f"it breaks off where {_shown(best, landing)} goes on"))
        else:
            passed.append(PassedOver(file, f"it is a copy of {_shown(best, landing)}"))
    return passed


def _shown(file: Path, landing: Path) -> str:
    return file.relative_to(landing).as_posix()


def _listed(landing: Path, wanted: str) -> list[Path]:
    try:
        files = sorted(landing.glob(wanted), key=lambda file: file.parts)
    except FileNotFoundError:  # how some stores say that a folder, or the bucket, is not there
        files = []
    except PermissionError as error:
        raise ConfigurationError(
            f"{landing / wanted}: the store refuses to list it ({error}); check the connection's credentials, and that they may list "
            "and read"
        ) from error
    except Exception as error:
        error.add_note(f"while looking for {landing / wanted}; check LANDING_DIR and its connection")
        raise
    if not files and not isinstance(landing, Path):
        _require_bucket(landing)
    return files


def _require_bucket(store: Any) -> None:
    """A bucket that does not exist lists like an empty one."""
    if not store.drive:
        return
    try:
        with suppress(PermissionError):  # credentials may be limited to the folder, which was listed
            store.fs.info(store.drive)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{store}: there is no bucket {store.drive!r} ({error}); correct LANDING_DIR, or the connection's endpoint and region"
        ) from error
