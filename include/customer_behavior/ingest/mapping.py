"""Mapping text columns to events: one SELECT made from a source's YAML, with the first reason against each row."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from customer_behavior.errors import BadInputError
from customer_behavior.ingest.charges import charge_sql
from customer_behavior.ingest.engine import identifier, quoted
from customer_behavior.ingest.ids import ID_FIELDS, is_rounded, read_id, trimmed
from customer_behavior.ingest.numbers import read_number
from customer_behavior.ingest.order_state import FROM_ORDER, REFUNDED, no_purchase_sql
from customer_behavior.ingest.rates import Exchange
from customer_behavior.ingest.source import EVENT_TYPES, TEXT_FIELDS, Source

MAX_AMOUNT = 1e9  # larger amounts and quantities are refused: they are mistakes
MAX_LINE = 1e12  # as is a larger product of the two: a million such lines of a customer's day still add up in a decimal
DECIMAL = "DECIMAL(24, 10)"
EVENT_COLUMNS = (
    "event_time", "event_day", "event_type", *TEXT_FIELDS, "quantity", "price", "discount", "refunded", "charge", "attributes",
)  # fmt: skip

NOBODY = "(customer_id{0} IS NULL AND session_id{0} IS NULL)"
DATE_ONLY = "date_only"  # the stamp has no time of day
DELIVERED = ("currency", "delivered_price", "delivered_discount")  # of a source whose amounts are converted


@dataclass(frozen=True)
class Check:
    """A reason to refuse a row: `condition` holds for the bad ones; `detail` is an SQL expression of what is said."""

    reason: str
    condition: str
    detail: str


def lacking(source: Source, columns: Collection[str]) -> dict[str, str]:
    """Return the columns that the source needs and the file lacks, each with the words that name it in the source."""
    lacks = {
        wanted: f"mapped to {name}"
        for name, column in source.columns.items()
        for wanted in ((column,) if isinstance(column, str) else column)
        if wanted not in columns and wanted not in source.optional
    }
    if source.fill_down and source.fill_down.by not in columns:
        lacks[source.fill_down.by] = "named by fill_down"
    return lacks


def check_header(source: Source, columns: list[str], where: str) -> None:
    """Raise BadInputError naming the first column that the source needs and the file lacks, and those it has."""
    for wanted, words in lacking(source, columns).items():
        raise BadInputError(
            f"{where}: column {wanted!r}, {words} in include/sources/{source.name}.yaml, is not in the file; "
            f"its columns are {', '.join(columns)}"
        )


def mapping_sql(
    source: Source,
    columns: list[str],
    batch_date: date,
    shop_zone: ZoneInfo,
    untidy: Collection[str],
    exchange: Exchange | None = None,
) -> str:
    """Return a SELECT over `block` (text columns, and `_line`) of EVENT_COLUMNS, line, reason and detail.

    Of a source that explodes a list, `block` has `_item` too, and item follows line.
    Of the `columns`, the `untidy` ones are mended (see `blocks.untidy`): trimmed, empty being missing; texts that are no id are
    missing; numbers are read by the source's decimal sign.
    With an `exchange`, amounts are converted by the rates in the table `rates`, and DELIVERED follows.

    Rows with a reason are refused. The engine's time zone must be the source's. A naive stamp in the hour that the autumn clock
    change repeats is taken as the second, in the hour that spring skips as an hour later.
    """
    given = {name: _given(source, name, untidy) for name in ("event_time", "event_type", *TEXT_FIELDS)}
    rounded = _rounded(source, given, untidy)
    for name in source.rules.lowercase:
        given[name] = f"lower({given[name]})"
    if source.customer_namespace:
        given["customer_id"] = f"{quoted(source.customer_namespace + ':')} || ({given['customer_id']})"
    texts = ",\n    ".join(f"{expression} AS {name}_text" for name, expression in given.items())
    amounts = ",\n    ".join(f"{expression} AS {name}_text" for name, expression in _amounts(source).items())
    if exchange:
        amounts += f",\n    {_currency(source)} AS currency"
    checks = _checks(source, batch_date, exchange, untidy)
    reason = " ".join(f"WHEN {check.condition} THEN {quoted(check.reason)}" for check in checks)
    detail = " ".join(f"WHEN {check.condition} THEN {check.detail}" for check in checks)
    fields = ", ".join(f"{name}_text AS {name}" for name in TEXT_FIELDS)
    delivered = f", {', '.join(DELIVERED)}" if exchange else ""
    return f"""
WITH given AS (
    SELECT _line AS line,{" _item AS item," if source.explode else ""}
    {texts},
    {amounts},
    {no_purchase_sql({name: of for name, of in source.rules.no_purchase_when.items() if name in columns})} AS no_purchase,
    {rounded} AS rounded_id,
    {_attributes(source, columns)} AS attributes
    FROM {_trimmed(untidy)}
),
typed AS (
    SELECT given.*,
        {_time(source)} AS event_time,
        {_event_type(source)} AS delivered_type,
        coalesce({_number(source, "quantity", untidy)}, CASE WHEN quantity_text IS NULL THEN 1 END) AS units,
        {_number(source, "price", untidy)} AS price_number,
        {_total(source, untidy)} AS discount_number,
        {_refunds(source, untidy)},
        {_charge(source)} AS named_charge
    FROM given
),
placed AS (
    SELECT typed.*, CAST(timezone({quoted(str(shop_zone))}, event_time) AS DATE) AS event_day,
        CASE WHEN delivered_type IN ('purchase', 'return', {quoted(REFUNDED)}) AND NOT no_purchase THEN named_charge END AS charge,
        coalesce(units < 0 OR price_number < 0 OR delivered_type = 'return', false) AS taken_back
    FROM typed
),
judged AS (
    SELECT placed.*, CASE {reason} END AS reason FROM {_converted(exchange)}
)
SELECT event_time, event_day,
    {_final_type(source)} AS event_type,
    {fields},
    CASE WHEN reason IS NULL THEN CAST(abs(units) AS {DECIMAL}) END AS quantity,
    CASE WHEN reason IS NULL THEN CAST({_signed(source)} AS {DECIMAL}) END AS price,
    CASE WHEN reason IS NULL THEN CAST({_unit("discount", source)} AS {DECIMAL}) END AS discount,
    CASE WHEN reason IS NULL THEN CAST({_refunded(source)} AS {DECIMAL}) END AS refunded,
    charge, attributes, line,{" item," if source.explode else ""} reason,
    CASE WHEN reason IS NOT NULL THEN CASE {detail} END END AS detail{delivered}{f", {FROM_ORDER}" if FROM_ORDER in source.columns else ""},
    {"false" if source.time_unit else "length(event_time_text) <= 10"} AS {DATE_ONLY}
FROM judged"""


def _time(source: Source) -> str:
    """Return the time of an event: a stamp, or the units since 1970 (up to the year 2100, so that nothing overflows)."""
    if source.time_format:
        read = (f"CAST(try_strptime(event_time_text, {quoted(one)}) AS TIMESTAMPTZ)" for one in source.time_format)
        return f"coalesce({', '.join(read)})"
    if source.time_unit is None:
        spaced = r"regexp_replace(event_time_text, ' ([+-][0-9]{2}):?([0-9]{2})$', '\1:\2')"  # Shopify's zone
        stamp = f"coalesce(try_cast(event_time_text AS TIMESTAMPTZ), try_cast({spaced} AS TIMESTAMPTZ))"
        return f"CASE WHEN event_time_text >= '0' AND event_time_text < ':' THEN {stamp} END"
    second = {"s": 1, "ms": 1_000, "us": 1_000_000}[source.time_unit]
    number = "try_cast(event_time_text AS BIGINT)"
    return (
        f"CASE WHEN {number} BETWEEN 0 AND {4_102_444_800 * second} "
        f"THEN timezone('UTC', make_timestamp({number} * {1_000_000 // second})) END"
    )


def _trimmed(untidy: Collection[str]) -> str:
    names = ", ".join(f"{trimmed(identifier(column))} AS {identifier(column)}" for column in untidy)
    return f"(SELECT * REPLACE ({names}) FROM block)" if names else "block"


def _currency(source: Source) -> str:
    """Return the code of a row's currency; the source's own where the row has none."""
    if "currency" not in source.columns:
        return quoted(source.currency)
    return f"coalesce(upper({identifier(str(source.columns['currency']))}), {quoted(source.currency)})"


def _converted(exchange: Exchange | None) -> str:
    """Return what is judged: the rows, their amounts in the shop's currency by the newest rate that is not too old."""
    if exchange is None:
        return "placed"
    return f"""(
        SELECT * REPLACE (
                price_number * rate AS price_number, discount_number * rate AS discount_number,
                line_refund_number * rate AS line_refund_number, {FROM_ORDER} * rate AS {FROM_ORDER}
            ),
            price_number AS delivered_price, discount_number AS delivered_discount
        FROM (
            SELECT placed.*, CASE
                WHEN placed.currency = {quoted(exchange.currency)} THEN 1
                WHEN placed.event_day - rates.day <= {exchange.max_age_days} THEN rates.rate
            END AS rate
            FROM placed ASOF LEFT JOIN rates ON placed.currency = rates.currency AND placed.event_day >= rates.day
        )
    ) AS placed"""


def _given(source: Source, field: str, untidy: Collection[str] = ()) -> str:
    """Return the text of a field: its column (of several the first given), or its constant, or missing."""
    named = source.columns.get(field)
    if named:
        columns = (named,) if isinstance(named, str) else named
        names = [
            read_id(field, identifier(column), **source.rules.ids(field))
            if field in ID_FIELDS and column in untidy
            else identifier(column)
            for column in columns
        ]
        if field == "event_time":
            return " || ' ' || ".join(names)  # a date and a time of day; without one of them there is no time
        return names[0] if len(names) == 1 else f"coalesce({', '.join(names)})"
    if field in source.constants:
        return quoted(source.constants[field])
    return "CAST(NULL AS VARCHAR)"


def _amounts(source: Source) -> dict[str, str]:
    """Return the text of quantity and price (or the line's total), and the parts of the discount."""
    price = "line_total" if "line_total" in source.columns else "price"
    texts = {"quantity": _given(source, "quantity"), "price": _given(source, price)}
    for number, column in enumerate(_discounts(source)):
        texts[f"discount_{number}"] = identifier(column)
    for name in ("line_refund", "order_refund", "product_name"):
        if name in source.columns:
            texts[name] = _given(source, name)
    return texts


def _refunds(source: Source, untidy: Collection[str]) -> str:
    """Return what was paid back of the line and of its order, 0 or more; refunds are often written as negative numbers."""
    names = {"line_refund": "line_refund_number", FROM_ORDER: FROM_ORDER}
    return ", ".join(
        f"{f'abs({_number(source, name, untidy)})' if name in source.columns else 'CAST(NULL AS DOUBLE)'} AS {number}"
        for name, number in names.items()
    )


def _charge(source: Source) -> str:
    texts = [f"{name}_text" for name in ("product_id", "product_name") if name in source.columns]
    return charge_sql(texts, source.charges)


def _rounded(source: Source, given: dict[str, str], untidy: Collection[str]) -> str:
    """Return the name and text of the first id that is a rounded number, NULL where none is."""
    cases = [
        f"WHEN {is_rounded(given[name])} THEN {quoted(f'{name} is ')} || {given[name]}"
        for name in ID_FIELDS
        if not set(source.columns_of([name])).isdisjoint(untidy)
    ]
    return f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS VARCHAR)"


def _number(source: Source, name: str, untidy: Collection[str]) -> str:
    """Return the number of quantity, price (or the line's total) or a part of the discount, missing where it is none."""
    if name.startswith("discount_"):
        mapped = [_discounts(source)[int(name.rpartition("_")[2])]]
    else:
        mapped = source.columns_of(("price", "line_total") if name == "price" else (name,))
    text = f"{name}_text"
    if not set(mapped).isdisjoint(untidy):
        text = read_number(text, source.decimal)
    return f"try_cast({text} AS DOUBLE)"


def _discounts(source: Source) -> tuple[str, ...]:
    named = source.columns.get("line_discount", source.columns.get("discount", ()))
    return (named,) if isinstance(named, str) else tuple(named)


def _total(source: Source, untidy: Collection[str]) -> str:
    parts = [f"coalesce({_number(source, f'discount_{n}', untidy)}, 0)" for n in range(len(_discounts(source)))]
    return " + ".join(parts) or "CAST(NULL AS DOUBLE)"


def _unit(name: str, source: Source) -> str:
    """Return an amount of one unit; a line of no units has none. A return's total is often negative like its quantity."""
    if f"line_{'total' if name == 'price' else name}" in source.columns:
        return f"CASE WHEN units <> 0 THEN abs({name}_number) / abs(units) END"
    return f"abs({name}_number)"


def _signed(source: Source) -> str:
    """Return the price of one unit; of a charge, negative where money goes back to the customer."""
    unit = _unit("price", source)
    return f"CASE WHEN charge IS NOT NULL AND taken_back THEN -({unit}) ELSE {unit} END"


def _refunded(source: Source) -> str:
    """Return what was paid back of one unit, never more than its price; of a purchase alone: a return is paid back as it is."""
    price = _unit("price", source)
    part = f"least({price}, line_refund_number / nullif(abs(units), 0))"
    whole = f"WHEN delivered_type = {quoted(REFUNDED)} AND NOT no_purchase THEN {price} "
    line = f"WHEN delivered_type = 'purchase' AND NOT no_purchase AND NOT taken_back AND line_refund_number > 0 THEN {part} "
    return f"CASE {whole}{line if 'line_refund' in source.columns else ''}END"


def _event_type(source: Source) -> str:
    known: dict[str, str] = {**{name: name for name in EVENT_TYPES}, **source.event_types}
    cases = " ".join(f"WHEN {quoted(theirs)} THEN {quoted(ours)}" for theirs, ours in known.items())
    return f"CASE event_type_text {cases} END"


def _final_type(source: Source) -> str:
    """Return the type of an event: what the source calls it, less what the order's state and the signs of its numbers make of it."""
    cases = f"WHEN no_purchase OR charge IS NOT NULL OR delivered_type = {quoted(REFUNDED)} THEN 'other' "
    if source.rules.zero_quantity == "other":
        cases += "WHEN units = 0 THEN 'other' "
    if source.rules.negative_quantity == "return":
        cases += "WHEN taken_back AND delivered_type = 'purchase' THEN 'return' "
    if "line_refund" in source.columns:
        paid_back = f"line_refund_number >= {_unit('price', source)} * abs(units) AND line_refund_number > 0"
        cases += f"WHEN delivered_type = 'purchase' AND {paid_back} THEN 'other' "
    return f"CASE {cases}ELSE delivered_type END"


def _attributes(source: Source, columns: list[str]) -> str:
    kept = [column for column in source.keep if column in columns]
    if not kept:
        return "CAST(NULL AS VARCHAR)"
    pairs = ", ".join(f"{quoted(column)}, {identifier(column)}" for column in kept)
    return f"CAST(json_object({pairs}) AS VARCHAR)"


def _said(column: str, text: str, words: str) -> str:
    shown = f"coalesce('''' || left({text}, 100) || '''', 'empty')"
    return f"{quoted(column + ' is ')} || {shown} || {quoted(': ' + words)}"


def _checks(source: Source, batch_date: date, exchange: Exchange | None, untidy: Collection[str]) -> list[Check]:
    first, last = batch_date - timedelta(days=source.max_lateness_days), batch_date + timedelta(days=1)
    price = "line_total" if "line_total" in source.columns else "price"

    def check(reason: str, condition: str, field: str, words: str, text: str | None = None) -> Check:
        return Check(reason, condition, _said(field, text or f"{field}_text", words))

    def unreadable(field: str, name: str) -> Check:
        text, number = f"{name}_text", _number(source, name, untidy)
        bad = f"{text} IS NOT NULL AND ({number} IS NULL OR NOT isfinite({number}) OR abs({number}) > {MAX_AMOUNT})"
        said = f"says {source.decimal!r}" if source.decimal else "does not say it: a point is taken"
        words = (
            f"not a number that an amount can be; decimal in {source.name}.yaml, the decimal sign, {said}; correct that, "
            "or have plain numbers written"
        )
        return check("number_unreadable", f"({bad})", field, words, text)

    checks = [
        check("time_missing", "event_time_text IS NULL", "event_time", "every event needs a time"),
        check("time_unreadable", "event_time IS NULL", "event_time", "not read as a time"),
        check(
            "time_outside_batch",
            f"(event_day < DATE '{first}' OR event_day > DATE '{last}')",
            "event_time",
            f"outside {first} to {last}, the days this batch may deliver (max_lateness_days)",
        ),
        Check(
            "id_rounded",
            "rounded_id IS NOT NULL",
            f"rounded_id || {quoted(': a number whose last digits a spreadsheet lost; export the column as text')}",
        ),
        check(
            "type_unknown",
            "delivered_type IS NULL",
            "event_type",
            "not one of the platform's types, nor mapped under event_types",
        ),
        unreadable("quantity", "quantity"),
        unreadable(price, "price"),
        *(unreadable(column, f"discount_{n}") for n, column in enumerate(_discounts(source))),
        *(unreadable(name, name) for name in ("line_refund", "order_refund") if name in source.columns),
    ]
    if source.nobody == "reject":
        words = "nor is there a session"
        checks.append(check("nobody", NOBODY.format("_text"), "customer_id", words))
    if exchange:
        dated = "currency || ' on ' || event_day"
        words = f"no rate of that day or the {exchange.max_age_days} days before it; {exchange.remedy}"
        needed = "(delivered_price IS NOT NULL OR delivered_discount <> 0)"
        checks += [
            check(
                "currency_unreadable",
                "NOT regexp_full_match(currency, '[A-Z]{3}')",
                "currency",
                "not three letters",
                "currency",
            ),
            check("currency_without_rate", f"(rate IS NULL AND {needed})", "currency", words, dated),
        ]
    # After the quotient of a line's total and a tiny quantity, too.
    for name, field in (("price", price), ("discount", "discount")):
        unit = f"abs({_unit(name, source)})"
        text = f"{name}_text" if name == "price" else "discount_0_text"
        if name == "price" or _discounts(source):
            over = f"({unit} > {MAX_AMOUNT} OR {unit} * abs(units) > {MAX_LINE})"
            checks.append(
                check("number_unreadable", over, field, "too much for a unit or, times the quantity, for a line", text)
            )
    back = "or set rules.negative_quantity: return, if it is a return"
    if source.rules.negative_quantity == "reject":
        checks.append(check("quantity_negative", "units < 0 AND charge IS NULL", "quantity", "correct it, " + back))
        negative = "price_number < 0 AND delivered_type <> 'return' AND charge IS NULL"
    else:  # both negative: money that comes in for goods that come back, or a sign too many
        negative = "price_number < 0 AND units < 0 AND charge IS NULL" if price == "price" else "false"
    if source.rules.zero_quantity == "reject":
        words = "set rules.zero_quantity: other to keep such lines"
        checks.append(check("quantity_zero", "units = 0", "quantity", words))
    checks.append(check("price_negative", negative, price, "an amount is 0 or more; correct it, " + back, "price_text"))
    if _discounts(source) and source.rules.negative_discount == "reject":
        words = "what is taken off is 0 or more; set rules.negative_discount: amount, if the source writes it so"
        checks.append(
            check("discount_negative", "discount_number < 0 AND NOT taken_back", "discount", words, "discount_0_text")
        )
    return checks
