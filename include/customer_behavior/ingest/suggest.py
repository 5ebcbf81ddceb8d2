"""A first draft of a source's YAML, from the columns of a file."""

from pathlib import Path

import yaml

from customer_behavior.ingest.check import columns_of
from customer_behavior.settings import Shop

# What shops call it, the likeliest first; compared in small letters without blanks, dots, dashes and underscores.
NAMES = {
    "event_time": ("eventtime", "eventtimestamp", "timestamp", "time", "datetime", "createdat", "transactiontimestamp", "when", "date"),
    "event_type": ("eventtype", "eventname", "event", "type", "action"),
    "customer_id": ("customerid", "userid", "userpseudoid", "customer", "user", "clientid", "visitorid", "householdid", "email", "userid"),
    "session_id": ("sessionid", "usersession", "session", "visitid", "basketid", "eventparamsgasessionid"),
    "product_id": ("productid", "itemid", "sku", "lineitemsku", "product", "item", "articleid", "items0itemid"),
    "order_id": ("orderid", "transactionid", "basketid", "invoiceno", "invoice", "order", "ecommercetransactionid"),
    "quantity": ("quantity", "qty", "units", "lineitemquantity", "count", "items0quantity"),
    "price": ("price", "unitprice", "lineitemprice", "items0price", "amount"),
    "discount": ("discount", "lineitemdiscount"),
    "category": ("categorycode", "category", "productcategory", "categoryid", "department"),
    "brand": ("brand", "vendor", "manufacturer"),
    "country": ("country", "countrycode", "geocountry", "shippingcountry"),
    "device": ("device", "devicecategory", "devicetype"),
    "channel": ("channel", "source", "trafficsourcemedium", "medium"),
}  # fmt: skip


def suggest(name: str, path: Path, shop: Shop) -> str:
    """Return a draft of include/sources/<name>.yaml for a file; what it could not find is marked."""
    kind = next((one for one in ("parquet", "jsonl", "csv") if one in path.name.lower()), "csv")
    columns = columns_of(kind, path, delimiter=_delimiter(path) if kind == "csv" else ",")
    plain = {"".join(c for c in column.lower() if c.isalnum()): column for column in reversed(columns)}
    found = {ours: next((plain[one] for one in theirs if one in plain), None) for ours, theirs in NAMES.items()}
    mapped: dict[str, str] = {ours: column for ours, column in found.items() if column}
    draft: dict[str, object] = {
        "description": f"Events of {name}",
        "path": f"{name}/{{date}}.{kind}" + (".gz" if path.suffix == ".gz" else ""),
        "format": kind,
        **({"delimiter": _delimiter(path)} if kind == "csv" and _delimiter(path) != "," else {}),
        "timezone": shop.timezone,
        "currency": shop.currency,
        "on_missing": "fail",
        "max_lateness_days": 3,
        **({} if "event_type" in mapped else {"constants": {"event_type": "purchase"}}),
        "columns": mapped,
    }
    needed = [ours for ours in ("event_time", "customer_id") if ours not in mapped]
    notes = [f"# TODO: name the column of {ours} under columns; the file has {', '.join(columns)}" for ours in needed]
    head = (
        f"# A draft from the columns of {path.name}; read each line, above all timezone and currency (docs/sources.md)."
    )
    return "\n".join([head, *notes, yaml.safe_dump(draft, sort_keys=False, allow_unicode=True)])


def _delimiter(path: Path) -> str:
    from customer_behavior.ingest.blocks import open_text

    with open_text(path) as file:
        line = file.readline(1 << 20)
    return max(",;\t|", key=lambda one: line.count(one.encode()))
