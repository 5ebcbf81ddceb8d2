"""Statements put together from a target's own files: whom it asks of, and what came true."""

import sqlalchemy as sa

from customer_behavior.settings import Target
from customer_behavior.warehouse import sql_text


def population_clause(target: Target) -> str:
    """Return `population AS (...)`, to stand in a WITH; its parameters are :as_of and :days."""
    return f"population AS (\n{sql_text(f'populations/{target.population.name}').text})"


def outcome_clause(target: Target) -> str:
    """Return `outcome AS (...)`, to stand in a WITH; its parameters are :as_of, :horizon_days and :known_at."""
    return f"outcome AS (\n{sql_text(f'labels/{target.label}').text})"


def with_clauses(clauses: list[str], name: str) -> sa.TextClause:
    """Return the statement of `include/sql/<name>.sql` behind the clauses it names."""
    return sa.text(f"WITH {', '.join(clauses)}\n{sql_text(name).text}")
