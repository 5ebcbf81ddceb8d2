"""Ids as files write them: which texts are no id, what is mended, and what is refused because it cannot be."""

import re
from collections.abc import Collection, Mapping

from customer_behavior.ingest.blocks import INVISIBLE, SPACES
from customer_behavior.ingest.engine import quoted

ID_FIELDS = ("event_id", "customer_id", "session_id", "product_id", "order_id")
WHOLE_IDS = (
    "event_id",
    "customer_id",
    "session_id",
    "order_id",
)  # 1001.0 is 1001; of a product it may be a version
NO_IDS = (
    "(not set)", "not set", "not_set", "(none)", "none", "null", "(null)", "<null>", "nil", "nul", "undefined", "(undefined)",
    "[object object]", "object object", "nan", "<na>", "n/a", "#n/a", "na", "n.a.", "nat", "none.0", "unknown", "(unknown)",
    "unassigned", "(not provided)", "(data not available)", "not available", "missing", "empty", "(empty)", "blank", "(blank)",
    "no id", "no_id", "noid", "not-set", "notset", "<nil>", "nonetype", "novalue", "no value", "no_value", "n\\a", "<none>",
    "false", "?", "??", "???", "-", "--", "---", ".", "/", "\\n", "{}", "[]", "''", '""', "-1", "-1.0", "#ref!", "#value!", "#name?",
)  # fmt: skip
NOBODIES = (  # of customers only
    "guest", "(guest)", "anonymous", "anon", "(anonymous)", "nobody", "visitor", "gast", "invité", "invitado", "ospite", "deleted",
    "[deleted]",
)  # fmt: skip
ZERO = r"[{(]?[-+]?0[0-]*([.,]0+)?[)}]?"  # 0, 000, 0.0, an all-zero UUID
ZERO_UUID = r"[{(]?0{8}-?0{4}-?0{4}-?0{4}-?0{12}[)}]?"  # 0 may be a product
LAST_UUID = r"[{(]?f{8}-?f{4}-?f{4}-?f{4}-?f{12}[)}]?"
TEMPLATE = r"\{\{.*\}\}|%%.*%%|\$\{.*\}"  # a tag manager's variable that was not filled
WHOLE = r"[0-9]+(\.0+|,0{1,2})"  # 1001,000 may be a million
# What a spreadsheet makes of a long number: its last digits are lost. Without the plus, 1E5 may be a name.
ROUNDED = r"[0-9]([.,][0-9]+)?[eE]\+[0-9]+|[0-9][.,][0-9]{2,}[eE][0-9]{1,2}"
PLAIN_ID = "([A-Za-z_0][A-Za-z_0 :/@#-]*)?[1-9]([A-Za-z0-9_ :/@#-]*[A-Za-z0-9_])?"
"""What most ids are: nothing that is listed, rounded, templated or written by a spreadsheet looks so, as each has a digit over 0."""
PLAIN_TEXT = "[!-~]([ -~]*[!-~])?"  # nothing invisible, no space around it
AS_TEXT = r"""^(?:="(.*)"|'([0-9].*))$"""  # how a spreadsheet is told that a number is a text


def trimmed(text: str) -> str:
    """Return SQL for a text without spaces and invisible characters around it; nothing left is missing."""
    mended = f"nullif(trim({text}, {quoted(SPACES + INVISIBLE)}), '')"
    return f"CASE WHEN regexp_full_match({text}, '{PLAIN_TEXT}') THEN {text} ELSE {mended} END"


def is_plain(text: str, more: Collection[str] = ()) -> str:
    """Return a condition that holds where a text is an id as it stands, whatever the field, and costs a tenth of the others.

    `more` are texts that the source takes for no ids, in small letters.
    """
    plain = f"regexp_full_match({text}, '{PLAIN_ID}')"
    return f"({plain} AND NOT {_is_one_of(f'lower({text})', more)})" if more else plain


def without_invisible(text: str) -> str:
    """Return SQL for a text without characters that nobody sees, wherever they stand."""
    return (
        f"CASE WHEN regexp_full_match({text}, '[ -~]*') THEN {text} ELSE translate({text}, {quoted(INVISIBLE)}, '') END"
    )


def without_marks(text: str) -> str:
    """Return SQL for a text without the marks by which a spreadsheet is told that it is one: ="1001" and '1001 are 1001."""
    return f"regexp_replace({text}, {quoted(AS_TEXT)}, '\\1\\2')"


def is_no_id(field: str, text: str, more: Collection[str] = (), fewer: Collection[str] = ()) -> str:
    """Return a condition that holds where a trimmed text is no id of `field`.

    `more` texts are none either, `fewer` are ids nevertheless; both are compared in small letters, as the list is.
    """
    known = {*NO_IDS, *(NOBODIES if field == "customer_id" else ()), *(one.lower() for one in more)}
    zero = ZERO_UUID if field == "product_id" else ZERO
    small = f"lower({text})"
    condition = (
        f"({_is_one_of(small, known)} OR regexp_full_match({small}, {quoted(f'{zero}|{LAST_UUID}|{TEMPLATE}')}))"
    )
    if fewer:
        condition = f"({condition} AND NOT {_is_one_of(small, fewer)})"
    return condition


def _is_one_of(small: str, texts: Collection[str]) -> str:
    """Return a condition that is evaluated where it is asked: of a long IN the engine makes a join, over all rows."""
    listed = "|".join(re.escape(one) for one in sorted({one.lower() for one in texts}))
    return f"regexp_full_match({small}, {quoted(listed)})"


def read_id(
    field: str, text: str, whole: Collection[str] = WHOLE_IDS, more: Collection[str] = (), fewer: Collection[str] = ()
) -> str:
    """Return SQL for the id that a trimmed text is, missing where it is none; 1001.0 is 1001 in the fields of `whole`."""
    bare = without_marks(without_invisible(text))
    mended = f"CASE WHEN regexp_full_match({bare}, '{WHOLE}') THEN regexp_extract({bare}, '^[0-9]+') ELSE {bare} END"
    read = f"WHEN NOT {is_no_id(field, bare, more, fewer)} THEN {mended if field in whole else bare}"
    return f"CASE WHEN {is_plain(text, more)} THEN {text} {read} END"


def is_rounded(text: str) -> str:
    """Return a condition that holds where a text is a number that Excel rounded: it may be any of several ids."""
    return f"regexp_full_match({text}, {quoted(ROUNDED)})"


def mendings_sql(field: str, column: str, settings: Mapping[str, Collection[str]]) -> str:
    """Return a SELECT over `block` of (kind, times): how often `read_id` does what to a column's texts, by the name of what it does."""
    whole = f"regexp_full_match(bare, '{WHOLE}')" if field in settings["whole"] else "false"
    return f"""
    SELECT unnest(['no id', '.0 removed', 'spaces or invisible characters removed', 'a spreadsheet''s mark of a text removed']) AS kind,
        unnest([
            count(*) FILTER (WHERE none), count(*) FILTER (WHERE NOT none AND {whole}),
            count(*) FILTER (WHERE NOT none AND visible <> text), count(*) FILTER (WHERE NOT none AND bare <> visible)
        ]) AS times
    FROM (SELECT *, {is_no_id(field, "bare", settings["more"], settings["fewer"])} AS none FROM (
        SELECT *, {without_marks("visible")} AS bare FROM (
            SELECT {column} AS text, {without_invisible(trimmed(column))} AS visible
            FROM block WHERE NOT {is_plain(column, settings["more"])}
        )
    ))"""


def exploded_id(event_id: str, item: str) -> str:
    """Return SQL for the id of a record's item, another one for each pair of id and item.

    A later item's number follows the id. An id that ends so itself gets the number of its first item too: `A-2` is the second item
    of A, `A-2-1` the first of A-2.
    """
    numbered = rf"{item} > 1 OR regexp_matches({event_id}, '-[0-9]+$')"
    return f"CASE WHEN {numbered} THEN {event_id} || '-' || {item} ELSE {event_id} END"
