"""What the name of a landed file says: finished or still being written, a backup, a copy of another, a day still running.

Programs that move files mark them: browsers, FTP clients, rsync and editors add an ending, a number in brackets or a leading dot.
What a source's own pattern spells out is meant: `{date}.tmp` reads such files.
"""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["finished", "unfinished", "backup", "hidden", "ending"]

DATA = r"\.(?:csv|tsv|txt|psv|dat|jsonl|ndjson|json|parquet|pq)"
_EDGE = r"(?=[._\- ]|$)"
UNFINISHED = re.compile(
    # words of their own anywhere in the name, and endings that only programs write
    rf"(?:^|[._\- ])(?:tmp|temp|partial|incomplete|unfinished|in[_-]?progress|uploading|downloading)\d*{_EDGE}"
    r"|\.part(?=\.|$)|\.part[-_]?\w*$|[-_]part$"
    r"|\.(?:crdownload|opdownload|fdmdownload|filepart|download|upload|writing|pending|wip|aria2|![a-z]{2}|[a-z]{2}!)(?=\.|$)"
    r"|\._copying_(?=\.|$)",
    re.IGNORECASE,
)
BACKUP = re.compile(
    rf"~\d*~?$|^\.?~lock\.|~(?=\.)|^~|^#.*#$|(?:^|[._\- ])(?:bak|backup|bkp|bck)\d*{_EDGE}"
    r"|\.(?:bk|old|orig|original|save|sav|sw[nopx]|lock|lck|rej|deleted)\d*(?=\.|$)",
    re.IGNORECASE,
)
_COPIED = r"(?:copy|copie|kopie|kopia|kopi|copia|cópia|duplicate)"
COPY = re.compile(
    rf"^{_COPIED}[\s_-]*(?:\(\d+\)[\s_-]*)?(?:of|von|de|di|van|av)[\s_-]+"
    r"|\s*[(\[]\d+[)\]](?=\.|$)"
    rf"|[\s._-]+(?:[-–]\s*)?(?:{_COPIED}|old|orig|original)(?:[\s_-]*\(?\d+\)?)?(?=\.|$)"
    rf"|(?<=\.csv|\.tsv|\.txt|\.dat)\.\d{{1,3}}(?=(?:\.gz)?$)|(?<=\.jsonl)\.\d{{1,3}}(?=(?:\.gz)?$)",
    re.IGNORECASE,
)
INTRADAY = re.compile(r"intra[_-]?day", re.IGNORECASE)


@dataclass(frozen=True)
class Pattern:
    """The last part of a source's path with its date filled in, as the judge of names.

    >>> pattern = Pattern("2024-03-05*.csv*")
    >>> [pattern.kind(name) for name in ("2024-03-05.csv.gz", "2024-03-05.csv.part", "2024-03-05.csv~", "2024-03-05.csv.md5")]
    ['finished', 'unfinished', 'backup', 'ending']
    """

    name: str

    @property
    def ending(self) -> str | None:
        """The ending after which the pattern leaves the rest open, as `.csv` of `*.csv*`; None: it leaves none open."""
        found = re.search(r"(\.\w+)\*+$", self.name)
        return found[1] if found else None

    @property
    def literal(self) -> str:
        """What the pattern spells out."""
        return re.sub(r"[*?]+|\[[^]]*\]", "*", self.name)

    def kind(self, name: str) -> Kind:
        """Return what a name that the pattern matches says of its file."""
        if name.startswith(".") and not self.name.startswith("."):
            return "hidden"
        if UNFINISHED.search(name) and not UNFINISHED.search(self.literal):
            return "unfinished"
        if BACKUP.search(name) and not BACKUP.search(self.literal):
            return "backup"
        bare = uncompressed(name)
        if self.ending is None or bare.endswith(self.ending) or re.search(rf"{DATA}$", bare, re.IGNORECASE):
            return "finished"
        return "ending"

    def is_intraday(self, name: str) -> bool:
        """Return whether a file is of a day that was still running, where the pattern also means days that are over."""
        return bool(INTRADAY.search(name)) and not INTRADAY.search(self.literal)


def uncopied(name: str) -> str:
    """Return a name without what a copy adds to it.

    >>> [uncopied(name) for name in ("a (1).csv", "a - Copy (2).csv.gz", "Copy of a.csv", "a.csv (1).gz", "a.csv.1")]
    ['a.csv', 'a.csv.gz', 'a.csv', 'a.csv.gz', 'a.csv']
    """
    while (shorter := COPY.sub("", name)) not in (name, ""):
        name = shorter
    return name


def uncompressed(name: str) -> str:
    """Return the name that a copy of a file, compressed or not, has in common with it."""
    return uncopied(name).removesuffix(".gz")


def stem(name: str) -> str:
    """Return what an unfinished file and the finished one it becomes have in common.

    >>> stem("2024-03-05.csv.part"), stem(".2024-03-05.csv.Xa12Bc"), stem("2024-03-05.tmp"), stem("2024-03-05 (1).csv.gz")
    ('2024-03-05', '2024-03-05', '2024-03-05', '2024-03-05')
    """
    bare = uncopied(name).lstrip(".")
    bare = re.split(rf"{DATA}(?![A-Za-z0-9])", bare, maxsplit=1, flags=re.IGNORECASE)[0]
    return uncopied(UNFINISHED.sub("", bare).strip("._- ").removesuffix(".gz")).lower()
