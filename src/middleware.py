"""Pure ASGI middleware: the request id, the access log, security headers, body limits."""

import re
import time
from collections.abc import Collection, Mapping

import structlog
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from src.database import new_id
from src.exceptions import BadRequestError, InvalidError, TooLargeError
from src.metrics import REQUEST_DURATION, REQUESTS_RUNNING
from src.routes import RouteTable
from src.schemas import PROBLEM_MEDIA_TYPE, Problem

_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_Header = tuple[bytes, bytes]
_SECURITY_HEADERS: tuple[_Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
# What the API says belongs to one user at one moment, and is no page.
_API_HEADERS: tuple[_Header, ...] = (
    *_SECURITY_HEADERS,
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_API_PREFIXES = ("/api/", "/v1/", "/health", "/metrics")

# Whatever else somebody calls a method would make a series of its own.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SWITCHING_PROTOCOLS = 101
_MOST_NESTING = 64
_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_TO_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_PORT = re.compile(r":\d+$")

log = structlog.get_logger("colloquy.access")


class TooDeepError(InvalidError):
    code = "json_too_deep"
    default_detail = f"The body is nested more than {_MOST_NESTING} levels deep."


class UnknownHostError(BadRequestError):
    status = 421
    code = "unknown_host"
    title = "Unknown host"
    default_detail = "This server is not known by the name you called it."


class RequestContextMiddleware:
    """Give every request an id, in `X-Request-ID`, in each log line and in every error body.

    A caller's own id is kept when it is short and plain, so that it can follow a call through.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _ACCEPTED_ID.fullmatch(given) else new_id().hex
        scope["state"]["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 500
        started_at = time.perf_counter()
        REQUESTS_RUNNING.count += 1
        is_api = scope["path"].startswith(_API_PREFIXES)
        added = _API_HEADERS if is_api else _SECURITY_HEADERS

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers: list[_Header] = message["headers"]
                known = {name for name, _ in headers}
                headers.extend(header for header in added if header[0] not in known)
                headers.append((b"x-request-id", request_id.encode()))
            elif message["type"] == "websocket.accept":
                status = _SWITCHING_PROTOCOLS
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            REQUESTS_RUNNING.count -= 1
            if give_back := scope["state"].get("give_back"):
                give_back()
            routes: RouteTable = scope["app"].state.routes
            _record(scope, routes.get_template(scope), status, time.perf_counter() - started_at)


def _record(scope: Scope, route: str, status: int, seconds: float) -> None:
    method = scope.get("method", "WEBSOCKET")
    log.info(
        "request",
        method=method,
        route=route,
        status=status,
        duration_ms=round(seconds * 1000, 1),
    )
    if scope["type"] == "http":
        labels = {
            "http.request.method": method if method in _METHODS else "_OTHER",
            "http.route": route,
            "http.response.status_code": status,
        }
        REQUEST_DURATION.record(seconds, labels)


class BodyLimitMiddleware:
    """Refuse bodies that are too large, before they are read where their length is declared.

    The framework's own limiter answers in plain text. `unlimited` paths read the socket themselves;
    `larger` paths have a limit of their own.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: int, unlimited: frozenset[str], larger: Mapping[str, int]
    ) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.unlimited = unlimited
        self.larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self.unlimited:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "0")
        if declared == "0" and "transfer-encoding" not in headers:
            await self.app(scope, receive, send)  # There is no body.
            return
        max_bytes = self.larger.get(scope["path"], self.max_bytes)
        # int() would also take signs, spaces and digits of other scripts.
        length = int(declared) if declared.isascii() and declared.isdigit() else 0
        received = 0
        guard = _JSONGuard(headers.get("content-type", ""))

        async def receive_limited() -> Message:
            nonlocal received
            if length > max_bytes:
                raise TooLargeError
            message = await receive()
            body = message.get("body", b"")
            received += len(body)
            if received > max_bytes:
                raise TooLargeError
            guard.feed(body, is_last=not message.get("more_body"))
            return message

        await self.app(scope, receive_limited, send)


class _JSONGuard:
    """Refuses JSON that is nested too deeply for those who have to walk through it."""

    def __init__(self, content_type: str) -> None:
        self._is_json = not content_type or "json" in content_type
        self._opened = 0
        self._parts: list[bytes] = []

    def feed(self, part: bytes, *, is_last: bool) -> None:
        if not self._is_json:
            return
        self._parts.append(part)
        self._opened += part.count(b"[") + part.count(b"{")
        # Without so many brackets there is nothing to look at.
        if is_last and self._opened > _MOST_NESTING and _is_deep(b"".join(self._parts)):
            raise TooDeepError


def _is_deep(body: bytes) -> bool:
    """Tell by taking the innermost pairs away, level by level, from the brackets alone."""
    brackets = _STRINGS.sub(b"", body).translate(_TO_BRACKETS, _NO_BRACKETS)
    for _ in range(_MOST_NESTING):
        brackets = brackets.replace(b"[]", b"")
    return brackets.count(b"[") > _MOST_NESTING or b"[]" in brackets


class HostMiddleware:
    """Answers to the names that this server has."""

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        self.app = app
        self.allowed = frozenset(name.lower() for name in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "").lower()
        if self.allowed & {host, _PORT.sub("", host)}:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            problem = Problem.from_error(UnknownHostError(), scope["state"]["request_id"])
            response = Response(
                problem.model_dump_json(), UnknownHostError.status, media_type=PROBLEM_MEDIA_TYPE
            )
            await response(scope, receive, send)
