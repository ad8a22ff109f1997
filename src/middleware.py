"""Pure ASGI middleware: the request id, the access log, security headers, body limits."""

import re
import time
from collections.abc import Mapping

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from src.database import new_id
from src.exceptions import TooLargeError
from src.routes import RouteTable

_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}

_SWITCHING_PROTOCOLS = 101

log = structlog.get_logger("colloquy.access")


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

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            elif message["type"] == "websocket.accept":
                status = _SWITCHING_PROTOCOLS
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            routes: RouteTable = scope["app"].state.routes
            log.info(
                "request",
                method=scope.get("method", "WEBSOCKET"),
                route=routes.get_template(scope),
                status=status,
                duration_ms=round((time.perf_counter() - started_at) * 1000, 1),
            )


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
        max_bytes = self.larger.get(scope["path"], self.max_bytes)
        declared = Headers(scope=scope).get("content-length", "0")
        # int() would also take signs, spaces and digits of other scripts.
        length = int(declared) if declared.isascii() and declared.isdigit() else 0
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            if length > max_bytes:
                raise TooLargeError
            message = await receive()
            received += len(message.get("body", b""))
            if received > max_bytes:
                raise TooLargeError
            return message

        await self.app(scope, receive_limited, send)
