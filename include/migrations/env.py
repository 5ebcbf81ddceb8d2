"""Alembic's entry: migrates the warehouse over the connection handed in by `customer_behavior.warehouse.migrate`."""

from alembic import context

config = context.config


def run() -> None:
    """Run the migrations in one transaction on the caller's connection; a migration without one is refused."""
    connection = config.attributes.get("connection")
    if connection is None:
        raise RuntimeError(
            "run migrations with `python -m customer_behavior migrate`: it opens the warehouse for Alembic"
        )
    # The version table lives in `public`: the platform's own schemas are made by the first migration.
    context.configure(connection=connection, target_metadata=None, version_table="warehouse_version")
    with context.begin_transaction():
        context.run_migrations()


run()
