"""Which columns name the order, the customer, the product and the session of a row."""

from typing import TYPE_CHECKING

import pandas as pd

from customer_behavior.ingest.drafting.columns import MOSTLY, Columns, Found
from customer_behavior.ingest.drafting.names import likeness

if TYPE_CHECKING:
    from customer_behavior.ingest.drafting.roles import Roles

# Parts of names that describe a thing and are not its id.
NO_IDS = (
    "name", "desc", "bezeichnung", "title", "titel", "city", "stadt", "state", "zip", "plz", "phone", "type", "typ", "group",
    "gruppe", "category", "kategorie", "brand", "seq", "position", "status", "gender", "age", "segment", "first_touch", "libelle",
    "price", "currency", "payment", "country", "land", "address", "quantity", "discount", "channel", "device",
)  # fmt: skip
CLAIMED = 0.55  # a whole name
GUESS = "a guess by the values alone"
KEYS = ("order_id", "session_id", "customer_id", "product_id", "event_id")


def find_keys(roles: "Roles", times: set[str]) -> None:
    """Fill in order, customer, product and session: those that are named and whose values agree, then by values alone."""
    columns = roles.columns
    free = [name for name in roles.free() if name not in times and columns.filled(name)]
    keys = [name for name in free if columns.is_key(name) or max(likeness(name, role) for role in KEYS) > CLAIMED]
    open_ = [role for role in KEYS if role not in roles.fields]
    scores = {(name, role): _score(columns, name, role, roles) for name in keys for role in open_}
    while scores:
        (name, role), score = max(scores.items(), key=lambda one: one[1])
        if score <= 0.2:
            break
        roles.fields[role] = Found((name,), _evidence(columns, name, role))
        scores = {(n, r): value for (n, r), value in scores.items() if n != name and r != role}
    _infer(roles, [name for name in keys if name in roles.free()])
    order, customer = roles.fields.get("order_id"), roles.fields.get("customer_id")
    if order and "session_id" not in roles.fields:
        guests = 1 - columns.filled(customer.name) if customer else 1.0
        if guests:
            said = f"{guests:.1%} of rows have no customer: " if customer else "no column names customers: "
            roles.fields["session_id"] = Found(order.columns, said + "guests, each order a session of its own")
    if "event_id" in roles.fields and columns.frame[roles.fields["event_id"].name].duplicated().any():
        del roles.fields["event_id"]


def _score(columns: Columns, name: str, role: str, roles: "Roles") -> float:
    """Return how much speaks for a role; 0 when the name does not, or the values contradict it."""
    score = likeness(name, role)
    called = name.lower()
    if not score or (any(part in called for part in NO_IDS) and score < 0.9):
        return 0.0
    if role == "event_id":
        unique = columns.distinct(name) == columns.rows and columns.rows > 1
        return score if unique and not _counts_rows(columns, name) else 0.0
    stamps = roles.stamps()
    if role == "order_id" and stamps is not None:
        same_day = columns.decides(name, stamps.dt.date)
        if same_day is not None and same_day < 0.6:
            return 0.0
    if role == "customer_id":
        score += 0.2 * min(
            1.0, columns.repeats(name) - 1
        )  # an id that never comes again, as one for each order, is no person's
    return score * (0.5 + columns.filled(name) / 2)


def _counts_rows(columns: Columns, name: str) -> bool:
    """Return whether a column numbers the rows: the next file's begin anew, and would be taken for the same events."""
    numbers = columns.numbers.get(name)
    return numbers is not None and bool((numbers[1:] - numbers[:-1] == 1).mean() > 0.9)


def _evidence(columns: Columns, name: str, role: str) -> str:
    if role == "event_id":
        return "each value once"
    rows = columns.repeats(name)
    return f"{columns.distinct(name):,} values, {rows:.1f} rows each"


def _infer(roles: "Roles", keys: list[str]) -> None:
    """Take unnamed columns for what their values say; what rests on the values alone is marked as a guess."""
    columns, stamps = roles.columns, roles.stamps()
    if stamps is None:
        return
    # A column with a name of its own for something else is not guessed at.
    spoken = (
        "category",
        "brand",
        "country",
        "device",
        "channel",
        "currency",
        "status",
        "event_type",
        "quantity",
        "price",
        "line_total",
    )
    keys = [
        name
        for name in keys
        if not any(likeness(name, role) > 0.5 for role in spoken)
        and not any(part in name.lower() for part in NO_IDS)
        and columns.distinct(name) > min(12, columns.rows / 3)
    ]
    sold = {"quantity", "price", "line_total"} & set(roles.fields)
    if sold and not {"order_id", "session_id"} & set(roles.fields):
        orders = [name for name in keys if _is_order(columns, name, stamps, [other for other in keys if other != name])]
        if orders:
            name = max(orders, key=columns.distinct)
            roles.fields["order_id"] = Found((name,), "its rows lie together and share one time", GUESS)
            keys.remove(name)
    order = roles.fields.get("order_id")
    if order:
        _infer_beside_order(roles, keys, order.name)
    else:
        _infer_of_visits(roles, keys, stamps)


def _infer_beside_order(roles: "Roles", keys: list[str], order: str) -> None:
    columns = roles.columns
    decided = [name for name in keys if (columns.decides(order, name) or 0) >= MOSTLY]
    if "customer_id" not in roles.fields and decided:
        name = max(decided, key=columns.repeats)
        roles.fields["customer_id"] = Found((name,), f"each value of {order} has one of it", GUESS)
    varying = [name for name in keys if name not in decided and columns.repeats(name) > 1.2]
    if "product_id" not in roles.fields and varying:
        name = min(varying, key=lambda one: float(columns.frame[one].dropna().str.len().mean()))
        roles.fields["product_id"] = Found((name,), f"differs within {order} and comes again", GUESS)


def _infer_of_visits(roles: "Roles", keys: list[str], stamps: pd.Series) -> None:
    """Tell customers from products by time: what one person does lies close together, and a visit is of one customer."""
    columns = roles.columns
    again = [name for name in keys if columns.repeats(name) > 1.2]
    near = sorted(again, key=lambda name: columns.nearness(name, stamps))
    if "session_id" not in roles.fields:
        others = [*near, *(found.name for role, found in roles.fields.items() if role in ("customer_id", "product_id"))]
        visits = [name for name in near if any(_belongs(columns, name, other) for other in others if other != name)]
        if visits:
            roles.fields["session_id"] = Found((visits[0],), "each value has one customer, in a short time", GUESS)
            near.remove(visits[0])
    missing = [role for role in ("customer_id", "product_id") if role not in roles.fields]
    if "customer_id" in missing and "session_id" in roles.fields:
        owners = [name for name in near if _belongs(columns, roles.fields["session_id"].name, name)]
        if owners:
            name = max(owners, key=columns.distinct)
            roles.fields["customer_id"] = Found(
                (name,), f"each value of {roles.fields['session_id'].name} has one of it", GUESS
            )
            near = [one for one in near if one not in owners]
            missing.remove("customer_id")
    if len(missing) == 2 and len(near) >= 2:
        customer, product = near[0], near[1]
        told = columns.nearness(customer, stamps) * 3 < columns.nearness(product, stamps)
        words = (
            "its rows lie close together in time, as one person's do" if told else "of two ids the one nearer in time"
        )
        roles.fields["customer_id"] = Found(
            (customer,), words, GUESS + ("" if told else ": may be the other way round")
        )
        roles.fields["product_id"] = Found((product,), "comes again at many times", GUESS)
    elif len(missing) == 1 and near:
        roles.fields[missing[0]] = Found((near[0],), "an id that comes again", GUESS)


def _belongs(columns: Columns, name: str, other: str) -> bool:
    """Return whether `other` is one and the same in all rows of each value of `name`, and has more rows itself."""
    return (columns.decides(name, other) or 0) >= MOSTLY and columns.distinct(name) > 1.3 * columns.distinct(other)


def _is_order(columns: Columns, name: str, stamps: pd.Series, others: list[str]) -> bool:
    """Return whether a column's rows share one time, and one value of another id."""
    same = columns.decides(name, stamps)
    return (
        same is not None and same >= MOSTLY and any((columns.decides(name, other) or 0) >= MOSTLY for other in others)
    )
