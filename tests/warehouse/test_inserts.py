"""Every INSERT names its columns: a column added to a table shifts no value into another."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from customer_behavior.paths import INCLUDE_DIR, REPO_DIR, SQL_DIR

ROOTS = (INCLUDE_DIR, REPO_DIR / "dags", REPO_DIR / "plugins")
SQL_FILES = sorted(SQL_DIR.rglob("*.sql"))


def texts_of(module: Path) -> Iterator[str]:
    """Yield the texts of a Python module that hold an INSERT; what an f-string fills in reads `filled_in`."""
    tree = ast.parse(module.read_text())
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(p.value) if isinstance(p, ast.Constant) else "filled_in" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            text = node.value
        else:
            continue
        if "INSERT INTO" in text:
            yield text


def unnamed_inserts(sql: str) -> list[str]:
    """Return the tables that a text inserts into without naming columns."""
    tokens = sqlglot.tokenize(sql, read="postgres")
    places = [
        position + 2
        for position, (first, second) in enumerate(itertools.pairwise(tokens))
        if (first.token_type, second.token_type) == (TokenType.INSERT, TokenType.INTO)
    ]
    return [table for table, after in (_table(tokens, place) for place in places) if not _opens_a_list(after)]


def _table(tokens: list[Token], place: int) -> tuple[str, list[Token]]:
    """Return the name of the table that begins at `place`, and the two tokens after it."""
    end = place + 1
    while end < len(tokens) and tokens[end].token_type == TokenType.DOT:
        end += 2
    return "".join(token.text for token in tokens[place:end]), tokens[end : end + 2]


def _opens_a_list(tokens: list[Token]) -> bool:
    return [token.token_type for token in tokens[:1]] == [TokenType.L_PAREN] and all(
        token.token_type not in (TokenType.SELECT, TokenType.WITH, TokenType.VALUES) for token in tokens
    )


def test_every_insert_names_its_columns():
    modules = [path for root in ROOTS for path in sorted(root.rglob("*.py"))]
    statements = [(path, path.read_text()) for path in SQL_FILES]
    statements += [(path, text) for path in modules for text in texts_of(path)]
    assert len([path for path, text in statements if "INSERT INTO" in text]) > 30
    unnamed = [f"{path.relative_to(REPO_DIR)}: {table}" for path, text in statements for table in unnamed_inserts(text)]
    assert unnamed == []


@pytest.mark.parametrize(
    "path", [path for path in SQL_FILES if "INSERT INTO" in path.read_text()], ids=lambda p: p.stem
)
def test_what_an_insert_selects_has_the_names_of_the_columns(path):
    for statement in sqlglot.parse(path.read_text().replace(" ON COMMIT DROP", ""), read="postgres"):
        for insert in statement.find_all(exp.Insert) if statement else ():
            columns = [column.name for column in insert.this.expressions]
            if isinstance(insert.expression, exp.Select):
                values = insert.expression.expressions
                names = [value.alias_or_name or name for value, name in zip(values, columns, strict=True)]
                assert names == columns
            else:
                assert isinstance(insert.expression, exp.Values)


def test_an_insert_by_position_is_seen():
    assert unnamed_inserts("INSERT INTO a.b SELECT * FROM c; INSERT INTO d VALUES (1); INSERT INTO e (SELECT 1)") == [
        "a.b", "d", "e",
    ]  # fmt: skip
    assert unnamed_inserts("WITH x AS (INSERT INTO a.b (c) SELECT 1) INSERT INTO d (e, f) VALUES (1, 2)") == []
