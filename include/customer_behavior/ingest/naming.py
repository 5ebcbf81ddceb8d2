"""How a text may name a person: escaped, quoted, cased or coded otherwise than the warehouse writes the id."""

import csv
import html
import json
import re
import unicodedata
from urllib.parse import unquote

ESCAPED = re.compile(r"\\+u([0-9a-fA-F]{4})")
RUN = re.compile(r"""[^\s"'`,;|<>{}\[\]()=&?\\^]+""")
ADDRESS = re.compile(r"[^\s\"'`,;:|<>{}\[\]()=&?\\/@]+@[^\s\"'`,;:|<>{}\[\]()=&?\\/@]+\.[^\W\d_]{2,}")
DELIMITERS = ",;\t|"
LOST = "\ufffd"  # what stands for a byte that could not be decoded


def folded(text: str) -> str:
    """Return a text blind to case and to how accents are composed."""
    return unicodedata.normalize("NFC", text.strip()).lower()


def readings(text: str) -> list[str]:
    """Return what a text says, once as it stands and once for each way to escape it that changes it."""
    found = [text]
    for undo in (_unescaped, lambda given: given.replace('""', '"'), unquote, html.unescape):
        for one in list(found):
            said = undo(one)
            if said not in found:
                found.append(said)
    return found


def _unescaped(text: str) -> str:
    """Undo JSON's escapes, however often they were escaped themselves."""
    pairs = ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    whole = pairs.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # an astral sign is written as two
    return re.sub(r'\\+([/"])', r"\1", whole)


def forms(name: str) -> set[str]:
    """Return a name as files may hold it: as it is, with its accents lost, and read in the wrong encoding."""
    found = {name, "".join(sign if sign.isascii() else LOST for sign in unicodedata.normalize("NFC", name))}
    for wrong in ("latin-1", "cp1252"):
        try:
            found.add(name.encode().decode(wrong))
        except UnicodeDecodeError:
            continue
    return found


def words(text: str, namespace: str | None = None) -> set[str]:
    """Return what in a text may be an id, folded: cells, values of JSON, runs without punctuation; with the namespace as well."""
    found: set[str] = set()
    for said in readings(text):
        for line in said.splitlines():
            found |= _cells(line) | set(RUN.findall(line)) | _values(line)
    for word in list(found):
        found |= {part for part in re.split(r"[:/]", word) if part}
    kept = {word for word in (folded(word).rstrip(".") for word in found) if word}
    return kept | ({f"{namespace}:{word}".lower() for word in kept} if namespace else set())


def _cells(line: str) -> set[str]:
    found = {line.strip()}
    for delimiter in DELIMITERS:
        if delimiter in line:
            try:
                found |= {cell.strip() for cells in csv.reader([line], delimiter=delimiter) for cell in cells}
            except csv.Error:
                found |= {cell.strip(' "') for cell in line.split(delimiter)}
    return found


def _values(line: str) -> set[str]:
    if line.strip()[:1] not in ("{", "["):
        return set()
    try:
        return set(_leaves(json.loads(line)))
    except (ValueError, RecursionError):
        return set()


def _leaves(value: object) -> list[str]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in (key, *_leaves(inner))]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [] if value is None else [str(value).strip()]


def addresses(text: str) -> set[str]:
    """Return the mail addresses in a text, folded."""
    return {folded(found).rstrip(".") for said in readings(text) for found in ADDRESS.findall(said)}


class Naming:
    """Finds names in texts, as words of their own: customer 12 is not in 2012, nor in 2024-03-12.

    Parameters
    ----------
    names : set of str
        Ids and addresses of a person.
    """

    def __init__(self, names: set[str]) -> None:
        self.names = {folded(name) for name in names}
        patterns = {self._pattern(folded(form)) for name in self.names for form in forms(name)}
        self.pattern = re.compile("|".join(sorted(patterns, key=len, reverse=True)))

    @staticmethod
    def _pattern(name: str) -> str:
        words = re.escape(name)
        if name.isdigit():  # a spreadsheet's 718.0 is 718; a day, a time or an amount is not
            return rf"(?<![^\W_])(?<!\d[-:./,+]){words}(?:\.0+)?(?![^\W_])(?![-:./]\d)"
        return rf"(?<![^\W_]){words}(?![^\W_])"

    def found_in(self, text: str) -> bool:
        """Return whether a text names the person, whichever way it is escaped."""
        return any(self.pattern.search(folded(said)) for said in readings(text))

    @property
    def chunks(self) -> list[str]:
        """A run of letters and digits of each name, which every way to write it keeps: to look for them first is quick.

        Empty when a name has none.
        """
        runs = [re.findall(r"[a-z0-9]+", name.partition("@")[0]) for name in sorted(self.names)]
        return [max(found, key=len) for found in runs] if all(runs) else []
