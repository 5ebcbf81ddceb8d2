"""The currency and the time zone that a file's values speak for, for the source and for shop.yaml."""

import re
from collections import Counter
from dataclasses import dataclass

from customer_behavior.ingest.drafting.names import plain
from customer_behavior.ingest.drafting.roles import Roles

SIGNS = {"€": "EUR", "£": "GBP", "$": "USD", "¥": "JPY"}
CODE = re.compile(r"(?:[\[( _])(EUR|USD|GBP|CHF|PLN|SEK|NOK|DKK|CZK|JPY|CAD|AUD|BRL|TRY)(?:[\]) _]|$)", re.IGNORECASE)
# Where most customers live: their money and, of countries with one clock or one that most keep, their time.
COUNTRIES = {
    "GBP Europe/London": ("unitedkingdom", "uk", "gb", "gbr", "england", "greatbritain"),
    "EUR Europe/Berlin": ("germany", "de", "deu", "deutschland", "allemagne"),
    "EUR Europe/Paris": ("france", "fr", "fra", "frankreich"),
    "EUR Europe/Madrid": ("spain", "es", "esp", "espana"),
    "EUR Europe/Rome": ("italy", "it", "ita", "italia"),
    "EUR Europe/Amsterdam": ("netherlands", "nl", "nld", "nederland"),
    "EUR Europe/Brussels": ("belgium", "be", "bel", "belgie", "belgique"),
    "EUR Europe/Vienna": ("austria", "at", "aut", "osterreich"),
    "EUR Europe/Dublin": ("ireland", "ie", "irl", "eire"),
    "EUR Europe/Lisbon": ("portugal", "pt", "prt"),
    "CHF Europe/Zurich": ("switzerland", "ch", "che", "schweiz", "suisse"),
    "PLN Europe/Warsaw": ("poland", "pl", "pol", "polska"),
    "SEK Europe/Stockholm": ("sweden", "se", "swe", "sverige"),
    "TRY Europe/Istanbul": ("turkey", "tr", "tur", "turkiye"),
    "JPY Asia/Tokyo": ("japan", "jp", "jpn"),
    "INR Asia/Kolkata": ("india", "in", "ind"),
    "USD ": ("unitedstates", "us", "usa", "unitedstatesofamerica"),
    "BRL ": ("brazil", "br", "bra", "brasil"),
    "AUD ": ("australia", "au", "aus"),
    "CAD ": ("canada", "ca", "can"),
}  # fmt: skip
PLACES = {name: tuple(place.split(" ")) for place, names in COUNTRIES.items() for name in names}


@dataclass(frozen=True)
class Evidence:
    """A value and what it rests on; `doubt` when a person has to decide."""

    value: str
    said: str
    doubt: bool = False


def currency_of(roles: Roles, shops: str) -> Evidence:
    """Return the currency of a file's amounts."""
    columns = roles.columns
    if "currency" in roles.fields:
        name = roles.fields["currency"].name
        counts = Counter(value.upper() for value in columns.frame[name].dropna())
        others = [f"{code} {count / sum(counts.values()):.1%}" for code, count in counts.most_common()[1:5]]
        code, count = counts.most_common(1)[0]
        return Evidence(
            code,
            f"{name} says {code} in {count / sum(counts.values()):.1%} of rows"
            + (f", also {', '.join(others)}" if others else ""),
        )
    for role in ("price", "line_total", "line_discount"):
        if role not in roles.fields:
            continue
        name = roles.fields[role].name
        named = CODE.search(name)
        if named:
            return Evidence(named[1].upper(), f"the column is called {name}")
        signs = Counter(sign for value in columns.frame[name].dropna() for sign in SIGNS if sign in value)
        if signs:
            sign = signs.most_common(1)[0][0]
            return Evidence(SIGNS[sign], f"{name} has {sign}", doubt=sign in "$¥")
    place = _place(roles)
    if place:
        return Evidence(place[0], f"most rows are of {place[2]}", doubt=True)
    return Evidence(shops, "shop.yaml's; nothing in the file says it", doubt=True)


def timezone_of(roles: Roles, shops: str) -> tuple[Evidence, Evidence]:
    """Return the zone of stamps that carry none, and the zone of the shop."""
    place = _place(roles)
    shop = Evidence(shops, "shop.yaml's; nothing in the file says it", doubt=True)
    if place and place[1]:
        shop = Evidence(place[1], f"most rows are of {place[2]}", doubt=True)
    if roles.times and roles.times.zoned:
        said = "numbers since 1970 are UTC" if roles.times.unit else "the stamps carry their zone"
        return Evidence("UTC", said), shop
    return shop, shop


def _place(roles: Roles) -> tuple[str, str, str] | None:
    """Return (currency, zone, country) of the country of at least half of the rows."""
    if "country" not in roles.fields:
        return None
    counts = roles.columns.counts(roles.fields["country"].name)
    country, count = counts.most_common(1)[0]
    known = PLACES.get(plain(country))
    return (known[0], known[1], country) if known and count >= sum(counts.values()) / 2 else None
