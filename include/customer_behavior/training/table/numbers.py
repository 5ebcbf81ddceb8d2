"""Numbers as people and other programs write them: a decimal comma, thousands separators, currency signs, percent."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from customer_behavior.errors import BadInputError

PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
WRITTEN = re.compile(r"[+-]?\d[\d.,]*|[+-]?[.,]\d+")
SPACES = re.compile(r"(?<=\d)[ \u00a0\u202f\u2009'’_](?=\d{3}(?!\d))")
CURRENCY = re.compile(
    r"^(?:[$€£¥₹₩₽₺zł]|R\$|kr\.?|zł|[A-Z]{3})(?=[ \u00a0]?[-+.\d(])[ \u00a0]?|(?<=[\d).,-])[ \u00a0]?(?:[$€£¥₹₩₽₺]|kr\.?|zł|[A-Z]{3})$"
)
INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
GROUPED = {sign: re.compile(rf"[+-]?[1-9]\d{{0,2}}(?:{re.escape(sign)}\d{{3}})+") for sign in ",."}
"""Whole numbers with a sign between each three digits; with one such sign they may be decimals as well."""


@dataclass(frozen=True)
class Numbers:
    """Texts as numbers, NaN where a text is none, and what was taken off or decided to read them."""

    values: np.ndarray
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Bare:
    """A text without the signs around its digits."""

    digits: str
    negative: bool
    sign: str
    percent: bool


def read_numbers(name: str, texts: Sequence[str]) -> Numbers:
    """Return different texts of one column as numbers.

    Raises
    ------
    BadInputError
        When the texts contradict each other: a decimal comma in one and a decimal point in another, or percent in some alone.
    """
    values = np.full(len(texts), np.nan)
    written: dict[int, _Bare] = {}
    plain: list[int] = []
    for place, text in enumerate(texts):
        if PLAIN.fullmatch(text):
            values[place] = float(text)
            plain.append(place)
        elif INFINITE.fullmatch(text):
            values[place] = np.inf
        elif (bare := _bare(text)) is not None:
            written[place] = bare
    if not written:
        return Numbers(values)
    points = [texts[place] for place in plain if "." in texts[place]]
    decimal = _decimal(name, [bare.digits for bare in written.values()], points)
    if decimal == ",":  # 1.299 beside 12,50 is a thousand
        for place in plain:
            if GROUPED["."].fullmatch(texts[place]):
                values[place] = float(texts[place].replace(".", ""))
    thousands = "." if decimal == "," else ","
    for place, bare in written.items():
        number = float(bare.digits.replace(thousands, "").replace(decimal, "."))
        values[place] = -number if bare.negative else number
    _one_way_of_percent(name, written, [texts[place] for place in plain])
    return Numbers(values, tuple(_said(written, decimal)))


def _bare(text: str) -> _Bare | None:
    """Return what is left of a text without currency, percent and spaces; None when that is no number."""
    left = text.strip()
    negative = left.startswith("(") and left.endswith(")")
    left = left[1:-1].strip() if negative else left
    if left.startswith(("-", "−")):
        negative, left = True, left[1:].strip()
    found = CURRENCY.search(left)
    left = CURRENCY.sub("", left).strip()
    if left.startswith(("-", "−")):
        negative, left = True, left[1:].strip()
    percent = left.endswith("%")
    left = SPACES.sub("", left.removesuffix("%").strip())
    if not WRITTEN.fullmatch(left) or not _one_number(left):
        return None
    return _Bare(left, negative, found.group().strip() if found else "", percent)


def _one_number(digits: str) -> bool:
    """Return whether commas and points can be those of one number: a sign that is there more than once parts thousands."""
    unsigned = digits.lstrip("+")
    for sign, other in ((",", "."), (".", ",")):
        whole, _, rest = unsigned.partition(other)
        if rest.isdigit() or not rest:
            if whole.count(sign) and rest and not GROUPED[sign].fullmatch(whole):
                continue
            if whole.count(sign) > 1 and not GROUPED[sign].fullmatch(whole):
                continue
            if sign not in rest:
                return True
    return False


def _decimal(name: str, digits: Sequence[str], points: Sequence[str]) -> str:
    """Return the decimal sign that these numbers agree on; `points` are those that were plain, with a decimal point."""
    commas = [text for text in digits if _shows(text, ",")]
    dots = [text for text in digits if _shows(text, ".")]
    dots += [text for text in points if not GROUPED["."].fullmatch(text)]
    if commas and dots:
        raise BadInputError(
            f"column {name}: {commas[0]!r} has a decimal comma and {dots[0]!r} a decimal point; write all of its numbers alike, or"
            f" leave it out (--leave-out {name!r})"
        )
    return "," if commas else "."


def _shows(digits: str, sign: str) -> bool:
    """Return whether a number can only be read with this decimal sign."""
    other = "." if sign == "," else ","
    if other in digits and sign in digits:
        return digits.rindex(sign) > digits.rindex(other)
    if sign in digits:
        return GROUPED[sign].fullmatch(digits) is None
    return digits.count(other) > 1


def _one_way_of_percent(name: str, written: dict[int, _Bare], plain: Sequence[str]) -> None:
    percent = [bare for bare in written.values() if bare.percent]
    other = [bare.digits for bare in written.values() if not bare.percent] + [
        text for text in plain if float(text) != 0
    ]
    if percent and other:
        raise BadInputError(
            f"column {name}: '{percent[0].digits}%' is in percent and {other[0]!r} is not; write all of its numbers alike, or leave it"
            f" out (--leave-out {name!r})"
        )


def _said(written: dict[int, _Bare], decimal: str) -> list[str]:
    """Return what was decided, in words."""
    said = []
    bare = list(written.values())
    if decimal == ",":
        said.append("a comma as the decimal sign")
    if any((("." if decimal == "," else ",") in one.digits) for one in bare):
        said.append(f"a {'point' if decimal == ',' else 'comma'} between thousands")
    signs = sorted({one.sign for one in bare if one.sign})
    if len(signs) > 1:
        said.append(f"{len(signs)} currencies ({', '.join(signs)}) taken as they stand, without a rate")
    elif signs:
        said.append(f"{signs[0]} taken off")
    if any(one.percent for one in bare):
        said.append("percent as the number before the sign")
    return said
