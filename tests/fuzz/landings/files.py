"""Mini shops' lines as the files of three sources, with what lies beside files: copies, twins, backups, unfinished uploads."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import yaml

from customer_behavior.paths import INCLUDE_DIR
from fuzz.landings.oracle import Line
from fuzz.landings.shops import BATCHES, ZONE

SHIPPED = ("ga4", "shopify_orders")
TILL = {
    "description": "A till, with visits that are not its orders",
    "path": "till/{date}*.csv*",
    "timezone": str(ZONE),
    "currency": "USD",
    "on_missing": "empty",
    "max_lateness_days": 7,
    "columns": {
        "event_time": "time", "event_type": "type", "customer_id": "customer", "session_id": "visit", "order_id": "order",
        "product_id": "item", "quantity": "units", "price": "price", "discount": "off",
    },
    "reject_limit": 0,
}  # fmt: skip
SHOPIFY = [
    "Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Accepts Marketing", "Currency", "Subtotal", "Shipping",
    "Taxes", "Total", "Discount Code", "Discount Amount", "Created at", "Lineitem quantity", "Lineitem name", "Lineitem price",
    "Lineitem sku", "Lineitem requires shipping", "Lineitem fulfillment status", "Cancelled at", "Payment Method", "Refunded Amount",
    "Vendor", "Id", "Tags", "Source", "Lineitem discount", "Shipping Country",
]  # fmt: skip
OF_ORDER = (
    "Email",
    "Financial Status",
    "Currency",
    "Created at",
    "Cancelled at",
    "Refunded Amount",
    "Id",
    "Source",
    "Shipping Country",
    "Tags",
)


def configure(folder: Path) -> dict[str, str]:
    """Write the configuration of a shop of the three sources below `folder`; return the environment that names it."""
    config, sources = folder / "config", folder / "sources"
    shutil.copytree(INCLUDE_DIR / "config", config, dirs_exist_ok=True)
    sources.mkdir(exist_ok=True)
    shop = yaml.safe_load((config / "shop.yaml").read_text())
    shop.update(sources=["till", *SHIPPED], dimensions=[], timezone=str(ZONE), currency="USD")
    (config / "shop.yaml").write_text(yaml.safe_dump(shop))
    (sources / "till.yaml").write_text(yaml.safe_dump(TILL, sort_keys=False))
    for name in SHIPPED:
        shipped = yaml.safe_load((INCLUDE_DIR / "sources" / f"{name}.yaml").read_text())
        shipped.update(on_missing="empty", reject_limit=0, max_lateness_days=7)
        (sources / f"{name}.yaml").write_text(yaml.safe_dump(shipped, sort_keys=False))
    return {
        "CUSTOMER_BEHAVIOR_CONFIG": str(config),
        "CUSTOMER_BEHAVIOR_SOURCES": str(sources),
        "LANDING_DIR": str(folder / "landing"),
    }


def land(landing: Path, lines: Iterable[Line], source: str, chance: random.Random) -> None:
    """Write the files of all batches of a source, and what lies beside them."""
    by_file: dict[tuple[date, str], list[Line]] = defaultdict(list)
    for line in lines:
        by_file[line.batch, line.file].append(line)
    folder = landing / source
    folder.mkdir(parents=True, exist_ok=True)
    write = WRITERS[source]
    ending = "jsonl" if source == "ga4" else "csv"
    for batch in BATCHES:
        texts = {file: write(rows, chance) for (day, file), rows in sorted(by_file.items()) if day == batch}
        for file, text in texts.items():
            name = f"{batch}-{file}.{ending}"
            zipped = chance.random() < 0.3
            _put(folder / (f"{name}.gz" if zipped else name), text)
            _beside(folder, name, text, zipped, chance)
        if source == "ga4" and texts:
            _before_the_end(
                folder, batch, [line for (day, _), rows in by_file.items() if day == batch for line in rows], chance
            )


def _before_the_end(folder: Path, batch: date, lines: list[Line], chance: random.Random) -> None:
    """Write what the day's table held while the day ran: a part of its events, a few of them sent once more."""
    if chance.random() < 0.5:
        early = [line for line in lines if chance.random() < 0.5]
        _put(folder / f"{batch}_intraday.jsonl", _ga4([*early, *early[:3]], chance))


def _beside(folder: Path, name: str, text: str, zipped: bool, chance: random.Random) -> None:
    """Write copies of a file, its twin, a backup of another state, and an upload that is still running."""
    stem, ending = name.split(".")
    if chance.random() < 0.3:
        _put(folder / f"{stem} (1).{ending}", text)
    if chance.random() < 0.2:
        _put(folder / (name if zipped else f"{name}.gz"), text)
    if chance.random() < 0.2:
        _put(folder / f"{name}.bak", text + text.partition("\n")[2])
    if chance.random() < 0.2:
        _put(folder / f"{name}.part", text[: len(text) // 2])


def _put(path: Path, text: str) -> None:
    content = text.encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _till(lines: list[Line], chance: random.Random) -> str:
    chance.shuffle(lines)
    rows = [
        (line.stamp.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S"), line.kind, line.customer, line.session, line.order, line.product,
         line.units, _money(line.price), _money(line.discount))
        for line in lines
    ]  # fmt: skip
    return _csv(tuple(TILL["columns"].values()), rows)  # type: ignore[attr-defined]


def _csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _ga4(lines: list[Line], chance: random.Random) -> str:
    """Return events: the lines of an order that were sent at one stamp are the items of one."""
    events: dict[tuple, list[Line]] = defaultdict(list)
    for line in lines:
        events[line.stamp, line.customer, line.order, line.session, line.kind].append(line)
    texts = [_event(items) for items in events.values()]
    chance.shuffle(texts)
    return "".join(f"{text}\n" for text in texts)


GA4_NAMES = {"purchase": "purchase", "return": "refund", "view": "view_item"}


def _event(items: list[Line]) -> str:
    first = items[0]
    event: dict = {
        "event_date": f"{first.batch:%Y%m%d}",
        "event_timestamp": str(int(first.stamp.timestamp()) * 1_000_000),
        "event_name": GA4_NAMES[first.kind],
        "event_params": [{"key": "ga_session_id", "value": {"string_value": first.session, "int_value": None}}],
        "user_pseudo_id": first.customer,
        "geo": {"country": "France"},
        "device": {"category": "mobile"},
        "traffic_source": {"medium": "(none)"},
        "items": [
            {
                "item_id": line.product,
                "item_category": "things",
                "item_brand": "own",
                "price": line.price / 100,
                "quantity": str(line.units),
            }
            for line in items
        ],
    }
    if first.order:
        event["ecommerce"] = {"transaction_id": first.order}
    return json.dumps(event)


def _shopify(lines: list[Line], chance: random.Random) -> str:
    orders: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        orders[line.order].append(line)
    blocks = list(orders.values())
    chance.shuffle(blocks)
    rows = []
    for block in blocks:
        for place, line in enumerate(block):
            row = {"Name": f"#{line.order}", "Lineitem quantity": line.units, "Lineitem name": line.product,
                   "Lineitem price": _money(line.price), "Lineitem sku": line.product, "Vendor": "Own", "Lineitem discount": "0.00",
                   "Payment Method": "" if place else "Shopify Payments"}  # fmt: skip
            rows.append({**row, **(_of_order(line) if place == 0 else {})})
    return _csv(SHOPIFY, [[row.get(column, "") for column in SHOPIFY] for row in rows])


def _of_order(line: Line) -> dict[str, object]:
    cancelled, unpaid = line.state == "cancelled", line.state in ("cancelled", "test")
    values = (
        line.customer,
        "paid" if unpaid else line.state,
        "USD",
        line.stamp.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S %z"),
        datetime.combine(line.batch, datetime.min.time(), UTC).strftime("%Y-%m-%d %H:%M:%S +0000") if cancelled else "",
        _money(line.paid_back),
        line.order,
        "web",
        "FR",
        "vip, Test" if line.state == "test" else "vip",
    )
    return dict(zip(OF_ORDER, values, strict=True))


WRITERS: dict[str, Callable[[list[Line], random.Random], str]] = {
    "till": _till,
    "ga4": _ga4,
    "shopify_orders": _shopify,
}
