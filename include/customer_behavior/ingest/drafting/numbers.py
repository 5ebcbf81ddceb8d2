"""Numbers as shops write them: which sign divides the decimals, and how sure that is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
LOOSE = re.compile(r"[+-]?\d[\d.,' \u00a0]*|[+-]?[.,]\d+")
MONEY = re.compile(r"^\s*(?:[€$£¥]|[A-Z]{3}(?=\s?[-+\d]))|(?:[€$£¥]|(?<=\d)\s?[A-Z]{3})\s*$")
# One reading only: 1,5 and 12,50 and 1.299,00 have a decimal comma; 1.5 and 1,299.00 a point. 1.299 alone says nothing.
COMMA = re.compile(
    r"[+-]?(\d+|\d{1,3}(\.\d{3})+),(\d{1,2}|\d{4,})|[+-]?\d{1,3}(\.\d{3})+,\d+|[+-]?\d{1,3}(\.\d{3}){2,}|[+-]?0,\d+"
)
POINT = re.compile(
    r"[+-]?(\d+|\d{1,3}(,\d{3})+)\.(\d{1,2}|\d{4,})|[+-]?\d{1,3}(,\d{3})+\.\d+|[+-]?\d{1,3}(,\d{3}){2,}|[+-]?0\.\d+"
)
EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")


@dataclass(frozen=True)
class Decimal:
    """The decimal sign of a file's numbers: `sign` is . or , and `evidence` what it rests on; `doubt` what speaks against it."""

    sign: str
    evidence: str
    doubt: str | None = None


def bare(text: str) -> str:
    """Return a number without a currency's sign or code around it."""
    return MONEY.sub("", MONEY.sub("", text)).strip()


def is_number(text: str) -> bool:
    """Return whether a text is written like a number, in whatever country.

    >>> [is_number(text) for text in ("1.299,00", "-3", "€ 12,50", "2024-03-05", "A1", "4.6E+18")]
    [True, True, True, False, False, True]
    """
    text = bare(text)
    return bool(PLAIN.fullmatch(text) or (LOOSE.fullmatch(text) and re.search(r"\d", text)))


def decimal_of(values: Iterable[str]) -> Decimal:
    """Return the decimal sign that the amounts of a file are written with.

    >>> decimal_of(["1.299,00", "3"]).sign
    ','
    """
    comma: list[str] = []
    point: list[str] = []
    either: list[str] = []
    for text in map(bare, values):
        kinds = ((COMMA, comma), (POINT, point), (EITHER, either))
        found = next((found for pattern, found in kinds if pattern.fullmatch(text)), None)
        if found is not None:
            found.append(text)
    if comma and point:
        sign = "," if len(comma) > len(point) else "."
        return Decimal(
            sign, f"{len(comma):,} numbers like {comma[0]}", f"{len(point):,} like {point[0]}: both signs occur"
        )
    if comma:
        return Decimal(",", f"{comma[0]} can only have a decimal comma, and no number contradicts it")
    if point or not either:
        return Decimal(".", f"{point[0]} can only have a decimal point" if point else "no number has decimals")
    return Decimal(".", "a guess", f"{either[0]} may be read in two ways, and no other number decides")


def to_number(text: str | None, sign: str = ".") -> float | None:
    """Return the number that a text says, with a decimal sign; None when it says none."""
    if text is None or not is_number(text):
        return None
    plain = re.sub(r"[' \u00a0]", "", bare(text))
    if sign == ",":
        plain = plain.replace(".", "").replace(",", ".")
    elif not PLAIN.fullmatch(plain):
        plain = plain.replace(",", "")
    try:
        return float(plain)
    except ValueError:
        return None
