"""Files of shops that the platform has never seen: small, made up, each of a shape that exists in the world."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from customer_behavior.cli import main

DAY = datetime(2024, 3, 25)
VISITS = 120


def orders(seed: int, days: int = 1, opens: int = 8, closes: int = 20) -> Iterator[tuple]:
    """Yield (time, order number, customer number, [(product number, units, price of one)]) in the order of time."""
    random = np.random.default_rng(seed)
    seconds = np.sort(random.integers(opens * 3600, closes * 3600, VISITS))
    for number, second in enumerate(seconds):
        at = DAY + timedelta(days=number * days // VISITS, seconds=int(second))
        items = random.choice(60, random.integers(1, 5), replace=False)
        yield (
            at,
            700_100 + number,
            20_000 + int(random.integers(40)),
            [(int(item), int(random.integers(1, 9)), round(1.15 + int(item) * 0.85, 2)) for item in items],
        )


def table(rows: list[list], header: list[str] | None = None, delimiter: str = ",") -> str:
    """Return delimited text."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([header, *rows] if header else rows)
    return text.getvalue()


def wholesaler(days: int = 1) -> str:
    """Online Retail: month first without leading zeros, guests, cancelled lines with negative quantities, no line of total."""
    rows = []
    for number, (at, order, customer, items) in enumerate(orders(1, days, 8, 17)):
        for item, units, price in items:
            back = number % 15 == 14
            rows.append([
                f"C{order}" if back else str(order), f"{22000 + item}{'A' if item % 9 == 0 else ''}", f"THING {item % 50} OF TIN",
                -units if back else 6 * units, f"{at.month}/{at.day}/{at.year} {at.hour}:{at:%M}", price,
                "" if number % 4 == 3 else customer, "United Kingdom" if number % 10 else "France",
            ])  # fmt: skip
    return table(
        rows, ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
    )


def german() -> str:
    """A German export: semicolons, decimal commas, thousands with a point, day first."""
    rows = [
        [
            f"B-{order}", f"K{customer}", f"{at:%d.%m.%Y %H:%M}", f"A{item:04d}", f"Ding {item}", units,
            german_number(price * 100), german_number(units * price * 100),
        ]
        for at, order, customer, items in orders(2)
        for item, units, price in items
    ]  # fmt: skip
    header = [
        "Bestellnummer",
        "Kundennr.",
        "Kaufdatum",
        "Artikel-Nr.",
        "Bezeichnung",
        "Menge",
        "Einzelpreis (EUR)",
        "Gesamtpreis",
    ]
    return table(rows, header, ";")


def german_number(value: float) -> str:
    """1299.5 as 1.299,50."""
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def movielens() -> str:
    """Ratings without a header line, tab separated, seconds since 1970: user, film, rating, time."""
    random = np.random.default_rng(3)
    rows = []
    for user in range(40):
        start = int(DAY.timestamp()) + int(random.integers(80_000))
        films = random.choice(200, 15, replace=False)
        rows += [[user + 1, film + 1, int(random.integers(1, 6)), start + 20 * n] for n, film in enumerate(films)]
    random.shuffle(rows)
    return table([list(map(int, row)) for row in rows], None, "\t")


def clickstream() -> str:
    """REES46: views, carts, purchases; zoned stamps."""
    rows = []
    for at, order, customer, items in orders(4, 1, 0, 24):
        session = f"{order:08x}-77aa-4e11-9c01-{customer:012x}"
        for number, (item, _, price) in enumerate(items):
            for kind in ("view", "cart", "purchase")[: 1 + number % 3]:
                stamp = f"{at + timedelta(seconds=number):%Y-%m-%d %H:%M:%S} UTC"
                group, code, brand = 2_053_013_555 + item % 7, "toys.bear" * bool(item % 3), "acme" * (item % 2)
                rows.append([stamp, kind, 1_000_500 + item, group, code, brand, price, 512_000_000 + customer, session])
    return table(
        rows,
        [
            "event_time",
            "event_type",
            "product_id",
            "category_id",
            "category_code",
            "brand",
            "price",
            "user_id",
            "user_session",
        ],
    )


def till() -> str:
    """A point of sale: the date and the time of day in two columns, the amount of the line, loyalty cards of some."""
    rows = [
        [
            f"{at:%d/%m/%Y}",
            f"{at:%H:%M:%S}",
            order,
            customer if order % 3 else "",
            4_006_381_000_000 + item,
            units,
            f"{units * price:.2f}",
        ]
        for at, order, customer, items in orders(5)
        for item, units, price in items
    ]
    return table(rows, ["Date", "Time", "Receipt No", "Card No", "EAN", "Qty", "Amount"])


def nested() -> str:
    """JSON Lines of orders with a list of items."""
    lines = [
        {
            "placed": f"{at:%Y-%m-%dT%H:%M:%S}+01:00", "orderNumber": f"W{order}", "buyer": {"id": customer, "country": "DE"},
            "currency": "EUR", "lines": [{"sku": f"S{item}", "qty": units, "unitPrice": price} for item, units, price in items],
        }
        for at, order, customer, items in orders(6)
    ]  # fmt: skip
    return "".join(json.dumps(line) + "\n" for line in lines)


def french() -> str:
    """Pipes, accents, day first with two-digit years."""
    rows = [
        [f"{at:%d/%m/%y %H:%M}", order, customer, f"P{item}", "Crème brûlée", units, f"{price:.2f}".replace(".", ",")]
        for at, order, customer, items in orders(7)
        for item, units, price in items
    ]
    return table(
        rows, ["Date d'achat", "N° commande", "Client", "Référence", "Libellé", "Quantité", "Prix unitaire"], "|"
    )


def codes() -> str:
    """Taobao: no header line, words of its own for what happened."""
    rows = []
    for at, _, customer, items in orders(8, 1, 0, 24):
        for number, (item, _, _) in enumerate(items):
            kind = ("pv", "pv", "cart", "buy", "fav")[number % 5]
            rows += [[customer, 5_002_000 + item, 4_400 + item % 9, kind, int(at.timestamp()) + number]]
    return table(rows)


def letters() -> str:
    """Codes that only their neighbours explain, and milliseconds."""
    rows = []
    for at, order, customer, items in orders(9, 1, 0, 24):
        for number, (item, _, _) in enumerate(items):
            rows.append([int(at.timestamp() * 1000) + number, customer, item + 300, "VVCP"[number % 4], f"s{order}"])
    return table(rows, ["ts", "uid", "iid", "ev", "sess"])


def nameless() -> str:
    """Names that say nothing."""
    rows = [
        [customer, f"{at:%Y-%m-%d %H:%M:%S}", order, f"X{item}", units, f"{price:.2f}", f"{price * units:.2f}"]
        for at, order, customer, items in orders(10)
        for item, units, price in items
    ]
    return table(rows, ["f1", "f2", "f3", "f4", "f5", "f6", "f7"])


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    """Write a file, return its path."""
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def check(*arguments: str) -> int:
    """Run check-source; return its exit code."""
    try:
        main(["check-source", *arguments])
    except SystemExit as stop:
        return 0 if stop.code in (None, 0) else 1
    return 0
