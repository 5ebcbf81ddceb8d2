"""The statements of docs/marketing.md run as marketing runs them, and the page names every column."""

import re

import pytest
import sqlalchemy as sa

from customer_behavior.paths import REPO_DIR
from support.mornings import query

PAGE = (REPO_DIR / "docs" / "marketing.md").read_text()
STATEMENTS = re.findall(r"```sql\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_page_has_statements():
    assert len(STATEMENTS) >= 6


@pytest.mark.parametrize("statement", STATEMENTS)
def test_every_statement_runs_for_a_marketing_reader(warehouse, statement):
    with warehouse.begin("marketing_reader") as connection:
        connection.execute(sa.text(statement)).all()


def test_every_column_of_customer_scores_and_every_table_is_explained(warehouse):
    columns = query(
        warehouse,
        "SELECT column_name AS name FROM information_schema.columns"
        " WHERE table_schema = 'marketing' AND table_name = 'customer_scores'",
    )
    tables = query(
        warehouse,
        "SELECT relname AS name FROM pg_class WHERE relnamespace = cast('marketing' AS regnamespace)"
        " AND relkind IN ('r', 'p', 'v') AND NOT relispartition",
    )
    assert [row["name"] for row in columns if f"| `{row['name']}` |" not in PAGE] == []
    assert [row["name"] for row in tables if f"`marketing.{row['name']}`" not in PAGE] == []
