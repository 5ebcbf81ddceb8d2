"""The reports that were kept in models.reports."""

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from customer_behavior.models import registry
from customer_behavior.names import Role
from customer_behavior.paths import TEMPLATES_DIR
from customer_behavior.warehouse import Warehouse, run_sql

EACH = 10
"""Reports of a target that the list shows."""


def read_report(warehouse: Warehouse, model_id: str) -> str | None:
    """Return a model's page, None when it has none."""
    with warehouse.begin(Role.API) as connection:
        return registry.report_page(connection, model_id)


def list_page(warehouse: Warehouse, address: str) -> str:
    """Return a page with links to the newest reports of each target; `address` is that of the reports, without a stroke."""
    with warehouse.begin(Role.API) as connection:
        rows = run_sql(connection, "reporting/newest_reports", each=EACH).mappings().all()
    return _templates().get_template("model_reports.html.j2").render(rows=rows, address=address)


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
