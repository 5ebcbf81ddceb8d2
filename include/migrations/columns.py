"""Short forms for migrations: every column has a comment with its meaning and unit, every table with its grain."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

TEXT = sa.Text()
TEXTS = pg.ARRAY(sa.Text())
DATE = sa.Date()
DATES = pg.ARRAY(sa.Date())
STAMP = sa.DateTime(timezone=True)
INT = sa.Integer()
BIGINT = sa.BigInteger()
SMALLINT = sa.SmallInteger()
SMALLINTS = pg.ARRAY(sa.SmallInteger())
REAL = sa.REAL()
DOUBLE = sa.Double()
NUMERIC = sa.Numeric()
BOOL = sa.Boolean()
JSONB = pg.JSONB()
BYTES = sa.LargeBinary()


def required(name: str, kind: sa.types.TypeEngine, comment: str, **options) -> sa.Column:
    """Return a NOT NULL column."""
    return sa.Column(name, kind, nullable=False, comment=comment, **options)


def numbered(name: str, comment: str) -> sa.Column:
    """Return a column that the database numbers in the order of writing."""
    return sa.Column(name, BIGINT, sa.Identity(always=True), nullable=False, comment=comment)


def optional(name: str, kind: sa.types.TypeEngine, comment: str, **options) -> sa.Column:
    """Return a column that may be NULL; its comment says what NULL means where it is not 'not known'."""
    return sa.Column(name, kind, nullable=True, comment=comment, **options)


def now(name: str, comment: str) -> sa.Column:
    """Return a stamp that the database sets when the row is written."""
    return required(name, STAMP, comment, server_default=sa.text("now()"))


def table(schema: str, name: str, comment: str, *columns: sa.schema.SchemaItem, key: str = "", by: str = "") -> None:
    """Create a table; `key` lists its primary key, `by` the column of its range partitions."""
    items = list(columns)
    if key:
        items.append(sa.PrimaryKeyConstraint(*[part.strip() for part in key.split(",")]))
    options = {"postgresql_partition_by": f"RANGE ({by})"} if by else {}
    op.create_table(name, *items, schema=schema, comment=comment, **options)
