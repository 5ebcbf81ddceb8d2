"""Whom consent lets marketing contact: what an unknown one means, and everybody's consent now, kept with each load.

A customer may be contacted if no source says no. Of each source the newest delivery that says something counts, whatever the
order of loading; a blank says nothing, a word that cannot be read is a no.
"""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from customer_behavior.ingest.dimensions.source import load_dimension
from customer_behavior.settings import Shop
from customer_behavior.warehouse import lock, run_sql

MANY = 50_000  # customers named one by one; more are found by reading all


@dataclass(frozen=True)
class ConsentRule:
    """What a consent that is not known means (`suppress` or `allow`), and why, in words."""

    unknown: str
    why: str


def consent_rule(connection: Connection, shop: Shop) -> ConsentRule:
    """Return the rule of `consent_unknown` in shop.yaml; not given, an unknown consent is a no wherever consents are delivered."""
    left_alone = {
        "suppress": "whose consent is not known is left alone",
        "allow": "whose consent is not known may be contacted",
    }
    if shop.consent_unknown:
        return ConsentRule(
            shop.consent_unknown,
            f"{left_alone[shop.consent_unknown]}: shop.yaml says consent_unknown: {shop.consent_unknown}",
        )
    managing = [name for name in shop.dimensions if load_dimension(name).has_consent]
    delivered = connection.execute(
        sa.text("SELECT exists(SELECT 1 FROM raw.customer_consents AS consents WHERE consents.consent IS NOT NULL)")
    ).scalar_one()
    if managing or delivered:
        by = f"{', '.join(managing)} delivers" if managing else "customers were delivered with"
        return ConsentRule("suppress", f"{left_alone['suppress']}: {by} consent")
    return ConsentRule(
        "allow",
        "consent is not managed here, no active dimension of customers delivers it: nobody is left alone for want of it; ask your "
        "own system before you contact anybody",
    )


def write_rule(connection: Connection, shop: Shop) -> ConsentRule:
    """Make the rule that of every audience read from now on; return it."""
    rule = consent_rule(connection, shop)
    run_sql(connection, "ingest/dimensions/write_consent_rule", unknown=rule.unknown, why=rule.why)
    return rule


def note_replaced(connection: Connection, source: str, batch_date: date) -> None:
    """Keep in the temporary table touched_customers, which ends with the transaction, whom a delivery named until now."""
    run_sql(connection, "ingest/dimensions/note_replaced", source=source, batch_date=batch_date)


def refresh_consents(connection: Connection, shop: Shop, source: str, batch_date: date) -> None:
    """Bring raw.customer_consents up to a delivery that was just written, after `note_replaced` before it was."""
    lock(connection, "consents")
    run_sql(connection, "ingest/dimensions/note_changed", source=source, batch_date=batch_date)
    touched = connection.execute(sa.text("SELECT count(DISTINCT customer_id) FROM touched_customers")).scalar_one()
    if touched:
        among = None
        if touched <= MANY:
            among = connection.execute(sa.text("SELECT DISTINCT customer_id FROM touched_customers")).scalars().all()
        run_sql(connection, "ingest/dimensions/refresh_consents", among=among)
    write_rule(connection, shop)


def unreadable_consents(connection: Connection, source: str, batch_date: date) -> tuple[int, str | None]:
    """Return how many consents of a delivery could not be read, and one of the words."""
    row = run_sql(connection, "ingest/dimensions/unreadable_consents", source=source, batch_date=batch_date).one()
    return row.n, row.example
