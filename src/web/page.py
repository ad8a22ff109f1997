"""Serves the page for people: what `make web` built from `web/` into `static/`.

Every file is read once and answered from memory, so no path of a request ever reaches the disk.
"""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from src.exceptions import NotFoundError

_STATIC: Final = Path(__file__).parent / "static"
_START: Final = "index.html"
# What the page's own router knows; everything else that is no operation stays a 404.
_ADDRESSES: Final = ("/", "/chats/{chat_id}", "/documents", "/account")

# Everything comes from here, nothing is inline, and no text can become markup or a script.
_CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_REVALIDATED: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# Their names hold a hash of their content.
_IMMUTABLE: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    compressed: bytes
    media_type: str
    etag: str

    @classmethod
    def read(cls, path: Path) -> "_File":
        content = path.read_bytes()
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        etag = hashlib.sha256(content).hexdigest()[:32]
        return cls(content, gzip.compress(content, mtime=0), media_type, f'W/"{etag}"')


def create_page_routes() -> list[Route]:
    """Return the routes of the page: plain ones, since they are no operations of the API."""
    _read_files()
    pages = [Route(address, _show_page, name="page") for address in _ADDRESSES]
    return [*pages, Route("/assets/{name}", _send_asset, name="page_asset")]


async def _show_page(request: Request) -> Response:
    return _respond(request, _START, _REVALIDATED)


async def _send_asset(request: Request) -> Response:
    return _respond(request, f"assets/{request.path_params['name']}", _IMMUTABLE)


def _respond(request: Request, name: str, policy: Mapping[str, str]) -> Response:
    file = _read_files().get(name)
    if file is None:
        raise NotFoundError
    headers = {**policy, "ETag": file.etag, "Vary": "Accept-Encoding"}
    if _is_fresh(request, file.etag):
        return Response(status_code=304, headers=headers)
    content = file.content
    takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
    if takes_gzip and len(file.compressed) < len(content):
        content = file.compressed
        headers["Content-Encoding"] = "gzip"
    return Response(content, headers=headers, media_type=file.media_type)


@cache
def _read_files() -> Mapping[str, _File]:
    paths = (path for path in _STATIC.rglob("*") if path.is_file())
    return {path.relative_to(_STATIC).as_posix(): _File.read(path) for path in paths}


def _is_fresh(request: Request, etag: str) -> bool:
    known = request.headers.get("if-none-match", "").split(",")
    return any(tag.strip() in (etag, "*") for tag in known)
