"""Statements put together from a target's own files: whom it asks of, and what came true."""

import sqlalchemy as sa

from customer_behavior.errors import ConfigurationError
from customer_behavior.settings import Population, Target
from customer_behavior.warehouse import sql_text


def population_of(target: Target) -> Population:
    """Return whom a target of customers is asked of; ConfigurationError for a target of sessions."""
    if target.population is None:
        raise ConfigurationError(f"the target of {target.entity}s that asks {target.meaning!r} has no population")
    return target.population


def population_clause(target: Target) -> str:
    """Return `population AS (...)`, to stand in a WITH; its parameters are :as_of and :days."""
    return f"population AS (\n{population_query(population_of(target))})"


def population_query(population: Population) -> str:
    """Return the query of a population's customer_id; its parameters are :as_of and :days."""
    return sql_text(f"targets/populations/{population.name}").text


def outcome_clause(target: Target) -> str:
    """Return `outcome AS (...)`, to stand in a WITH; its parameters are :as_of, :horizon_days and :known_at."""
    return f"outcome AS (\n{sql_text(f'targets/labels/{target.label}').text})"


def labelled_clauses(target: Target) -> list[str]:
    """Return the clauses up to `labelled (row_id, label)`: the rows that the target is asked of, with what came true."""
    asked = [] if target.entity == "session" else [population_clause(target), outcome_clause(target)]
    return [*asked, f"labelled AS (\n{sql_text(f'targets/rows/{target.entity}_labels').text})"]


def candidates_clause(target: Target) -> str:
    """Return `candidates AS (...)`: the rows of :as_of with all their columns, by row_id."""
    return f"candidates AS (\n{sql_text(f'targets/rows/{target.entity}').text})"


def with_clauses(clauses: list[str], name: str) -> sa.TextClause:
    """Return the statement of `include/sql/<name>.sql` behind the clauses it names."""
    return sa.text(f"WITH {', '.join(clauses)}\n{sql_text(name).text}")
