"""The plugin that shows reports of models: a page of the API server, and an entry in the menu."""

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from customer_behavior_airflow.report_link import PREFIX


async def reports(scope, receive, send) -> None:
    """Hand a request to the page. What it needs is imported by the API server alone, with the first request."""
    from customer_behavior_airflow.report_page import app

    await app(scope, receive, send)


class ModelReports(AirflowPlugin):
    """Reports of models, for people who are logged in and may see `train_models`."""

    name = "customer_behavior_reports"
    fastapi_apps: ClassVar[list] = [{"app": reports, "url_prefix": PREFIX, "name": "Model reports"}]
    external_views: ClassVar[list] = [
        {"name": "Model reports", "href": f"{PREFIX}/reports", "destination": "nav", "category": "browse"}
    ]
