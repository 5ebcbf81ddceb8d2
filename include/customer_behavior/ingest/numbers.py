"""Amounts as files write them: the decimal sign, thousands marks and signs, and what tells which decimal sign a column has."""

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from customer_behavior.ingest.blocks import characters
from customer_behavior.ingest.engine import quoted

NUMBER_FIELDS = ("quantity", "price", "line_total", "discount", "line_discount", "line_refund", "order_refund")
EXPONENT = r"([eE][+-]?[0-9]+)?"
SPACED = "['\u2019 \u00a0\u2009\u202f]"  # marks of thousands that no one takes for a decimal sign
MINUS = "\u2212\u2013\ufe63\uff0d"

# Which decimal sign a number has, by itself; 1.299 does not tell, nor does 1,299. A sign, parentheses or a currency around the
# number do not matter.
POINT = (
    r"(^|[^0-9.,])(0*\.[0-9]*|[0-9]{4,}\.[0-9]+|[0-9]+\.([0-9]{0,2}|[0-9]{4,})|[0-9]+(,[0-9]{3})+\.[0-9]+)([^0-9.,]|$)"
)
COMMA = r"(^|[^0-9.,])([0-9]*,([0-9]{1,2}|[0-9]{4,})|0+,[0-9]+|[0-9]+(\.[0-9]{3})+,[0-9]+|[0-9]{1,3}(\.[0-9]{3}){2,})([^0-9.,]|$)"
DOUBTFUL = r"(^|[^0-9.,])[1-9][0-9]{0,2}\.[0-9]{3}([^0-9.,]|$)"


def plain_characters(decimal: str | None) -> str:
    """Return the characters of which a number may be that is read as it stands."""
    return "0123456789-" if decimal == "," else "0123456789-.eE"


def read_number(text: str, decimal: str | None) -> str:
    """Return SQL for the number (as text that the engine reads) which a text is, NULL where it is none or not clear.

    Thousands may be marked by the other sign, an apostrophe or a space; by the other sign only where that is clear, as in 1,299.00,
    unless `decimal` says which sign is which. A minus may follow, or parentheses stand for it.
    """
    mark = r"\." if decimal == "," else ","
    sign = "," if decimal == "," else r"\."
    grouped = rf"[0-9]{{1,3}}({mark}[0-9]{{3}})+"
    whole = rf"([0-9]+|[0-9]{{1,3}}({SPACED}[0-9]{{3}})+)"
    shapes = [rf"{whole}({sign}[0-9]*)?", rf"{sign}[0-9]+"]
    if decimal:
        shapes.append(rf"{grouped}({sign}[0-9]*)?")
    else:
        shapes += [rf"{grouped}{sign}[0-9]+", rf"[0-9]{{1,3}}({mark}[0-9]{{3}}){{2,}}"]
    bare = rf"({'|'.join(shapes)}){EXPONENT}"
    noise = quoted(f"[^0-9.,eE+{MINUS}-]")
    body = f"regexp_replace({text}, {noise}, '', 'g')"
    body = f"translate({body}, {quoted(MINUS)}, {quoted('-' * len(MINUS))})"
    body = f"replace(replace({body}, '.', ''), ',', '.')" if decimal == "," else f"replace({body}, ',', '')"
    digits = f"rtrim(ltrim({body}, '-+'), '-')"
    # "5.-" and "5,–" are 5 without cents, as Swiss and German prices have it.
    even = quoted(rf"({whole}|{grouped}){sign}[-{MINUS}]{{1,2}}")
    # A sign before, a minus after, or parentheses: one of them.
    negative = quoted(rf"[-{MINUS}] ?{bare}|{bare} ?[-{MINUS}]|\({bare}\)")
    positive = quoted(rf"(\+ ?)?{bare}")
    plain = quoted("-?[0-9]+" if decimal == "," else r"-?[0-9]+(\.[0-9]*)?")
    return (
        f"CASE WHEN regexp_full_match({text}, {plain}) THEN {text} "
        f"WHEN regexp_full_match({text}, {positive}) OR regexp_full_match({text}, {even}) THEN {digits} "
        f"WHEN regexp_full_match({text}, {negative}) THEN '-' || {digits} END"
    )


@dataclass
class Evidence:
    """What the numbers of a column in one batch tell of its decimal sign: an example of each kind, None where there is none."""

    point: str | None = None
    comma: str | None = None
    doubtful: str | None = None

    def look(self, values: pa.ChunkedArray) -> None:
        """Look at some more values of the column."""
        if self.point is None:
            self.point = _first(values, POINT)
        if self.comma is None:
            self.comma = _first(values, COMMA)
        if self.doubtful is None and self.point is None:
            self.doubtful = _first(values, DOUBTFUL)


def _first(values: pa.ChunkedArray, pattern: str) -> str | None:
    found = pc.index(pc.match_substring_regex(values, pattern), True).as_py()
    return None if found < 0 else values[found].as_py()


@dataclass
class DecimalSigns:
    """The evidence of each column of numbers in a batch of a source that does not declare its decimal sign."""

    columns: dict[str, Evidence] = field(default_factory=dict)

    def look(self, table: pa.Table, names: list[str]) -> None:
        """Look at a block; columns without a point or comma cost next to nothing."""
        for name in names:
            evidence = self.columns.setdefault(name, Evidence())
            if evidence.point is None or evidence.comma is None:
                values = table[name]
                marks = [mark for mark in (".", ",") if (mark == "," or not evidence.point) and _holds(values, mark)]
                if marks:
                    evidence.look(values)

    def unclear(self) -> str | None:
        """Return a sentence about the first column of which 1.299 may be 1299, None where the signs are clear.

        Where a column does not tell, the others of the file do, as one hand wrote them.
        """
        elsewhere = any(one.point and not one.comma for one in self.columns.values())
        for name, one in self.columns.items():
            if one.doubtful is None or one.point is not None:
                continue
            if one.comma is not None:
                return (
                    f"column {name!r} has {one.comma!r}, a decimal comma, and {one.doubtful!r}, whose point then marks thousands; "
                    "declare decimal: ','"
                )
            if not elsewhere:
                return (
                    f"column {name!r} has {one.doubtful!r}, and no number in the file tells whether its point is the decimal sign "
                    "or marks thousands; declare decimal: '.' or decimal: ','"
                )
        return None


def _holds(values: pa.ChunkedArray, mark: str) -> bool:
    return any(bool((characters(chunk) == ord(mark)).any()) for chunk in values.chunks)
