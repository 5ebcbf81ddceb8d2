"""The page of reports: routes of the API server, for people who are logged in and may see `train_models`."""

from typing import Annotated
from urllib.parse import quote

from airflow.api_fastapi.app import API_ROOT_PATH
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import Depends, FastAPI, Path, Request, status
from fastapi.exceptions import HTTPException
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from customer_behavior.errors import PlatformError
from customer_behavior.names import Dag
from customer_behavior.reporting.shelf import list_page, read_report
from customer_behavior_airflow.report_link import PREFIX
from customer_behavior_airflow.run_context import warehouse

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'; sandbox allow-same-origin"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}
"""Pages load nothing and run no script, and no cache keeps them: they are for who was let in."""

# Airflow checks nobody for a plugin's routes.
app = FastAPI(
    title="Model reports",
    dependencies=[Depends(requires_access_dag("GET", param_dag_id=Dag.TRAIN_MODELS))],
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
)


@app.get("/reports")
def reports() -> HTMLResponse:
    """Show links to the newest reports of each target."""
    return HTMLResponse(list_page(warehouse(), f"{_root()}{PREFIX}/reports"), headers=HEADERS)


@app.get("/reports/{model_id}")
def report(model_id: Annotated[str, Path(pattern="^[0-9A-Za-z_-]{1,64}$")]) -> HTMLResponse:
    """Show the report of a model."""
    page = read_report(warehouse(), model_id)
    if page is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"Model {model_id} has no report in models.reports.")
    return HTMLResponse(page, headers=HEADERS)


@app.exception_handler(PlatformError)
async def unavailable(_request: Request, error: PlatformError) -> Response:
    """Say what keeps the warehouse from answering."""
    return JSONResponse({"detail": str(error)}, status.HTTP_503_SERVICE_UNAVAILABLE, headers=HEADERS)


@app.exception_handler(HTTPException)
async def refused(request: Request, error: HTTPException) -> Response:
    """Send a browser that is not logged in to the login, and back; anybody else is told."""
    if error.status_code == status.HTTP_401_UNAUTHORIZED and "text/html" in request.headers.get("accept", ""):
        here = quote(request.url.path, safe="")
        return RedirectResponse(f"{_root()}/api/v2/auth/login?next={here}", status.HTTP_303_SEE_OTHER, headers=HEADERS)
    return JSONResponse({"detail": error.detail}, error.status_code, headers=HEADERS)


def _root() -> str:
    """Return the path that the API server stands under, empty for the root of its host."""
    return API_ROOT_PATH.rstrip("/")
