"""The reference of the API as pages that ask no other server for anything.

FastAPI's own take their scripts from a CDN: there is nothing to see where there is no Internet, and
where there is, somebody else's script reads the tokens that people try things with.
"""

from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.docs import (
    get_redoc_html,
    get_swagger_ui_html,
    get_swagger_ui_oauth2_redirect_html,
)
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse
from starlette.routing import Route

from src.exceptions import NotFoundError

_DOCS: Final = "/docs"
_REDIRECT: Final = f"{_DOCS}/oauth2-redirect"
_FILES: Final = {
    path.name: path for path in Path(str(files("fastapi_offline") / "static")).iterdir()
}
# Both pages have a script and styles of their own within; ReDoc searches in a worker.
_CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def create_reference_routes(app: FastAPI) -> list[Route]:
    async def show_swagger(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        page = get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=app.title,
            oauth2_redirect_url=f"{root}{_REDIRECT}",
            swagger_js_url=f"{root}{_DOCS}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{_DOCS}/swagger-ui.css",
            swagger_favicon_url=f"{root}{_DOCS}/favicon.png",
        )
        return _close(page)

    async def show_redoc(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        page = get_redoc_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=app.title,
            redoc_js_url=f"{root}{_DOCS}/redoc.standalone.js",
            redoc_favicon_url=f"{root}{_DOCS}/favicon.png",
            with_google_fonts=False,
        )
        return _close(page)

    return [
        Route(_DOCS, show_swagger, name="swagger_ui_html"),
        Route(_REDIRECT, _redirect, name="swagger_ui_redirect"),
        Route("/redoc", show_redoc, name="redoc_html"),
        Route(f"{_DOCS}/{{name}}", _send_file, name="reference_file"),
    ]


async def _redirect(_: Request) -> HTMLResponse:
    return _close(get_swagger_ui_oauth2_redirect_html())


async def _send_file(request: Request) -> FileResponse:
    path = _FILES.get(request.path_params["name"])
    if path is None:
        raise NotFoundError
    return FileResponse(path, headers={"Cache-Control": "public, max-age=86400"})


def _close(page: HTMLResponse) -> HTMLResponse:
    page.headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY
    return page
