"""Reads requests off the wire, with what uvicorn does not have: limits of size and patience.

A client that sends its request a byte at a time, or stops in the middle, costs a connection for as
long as it likes to. Here it has `patience_seconds`, and earns more by sending (as in Apache's
mod_reqtimeout). While we do not read, for a full buffer or before "100 Continue", no time passes.

A connection that is closed while its client still sends is reset, and the client may never see the
answer that says why. So we listen a little longer, to nothing (RFC 9112, section 9.6).
"""

from asyncio import TimerHandle, Transport
from typing import Any, ClassVar, Final, cast

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from src.database import new_id
from src.exceptions import AppError, BadRequestError
from src.schemas import PROBLEM_MEDIA_TYPE, Problem

_HEAD: Final = b"HTTP/1.1 "
_MOST_URL_BYTES: Final = 8 * 1024
_MOST_HEADER_BYTES: Final = 32 * 1024
_LEAST_BYTES_PER_SECOND: Final = 500
_LINGER_SECONDS: Final = 5.0
_LINGER_BYTES: Final = 8 * 1024 * 1024

log = structlog.get_logger("colloquy.access")


class MalformedRequestError(BadRequestError):
    code = "malformed_request"
    default_detail = "This is not HTTP as we know it."


class RequestTooSlowError(BadRequestError):
    status = 408
    code = "request_too_slow"
    title = "Request timeout"
    default_detail = "The request did not arrive in time."


class URLTooLongError(BadRequestError):
    status = 414
    code = "url_too_long"
    title = "Address too long"
    default_detail = f"Addresses have {_MOST_URL_BYTES:,} characters at most, queries included."


class HeadersTooLargeError(BadRequestError):
    status = 431
    code = "headers_too_large"
    title = "Headers too large"
    default_detail = f"Headers have {_MOST_HEADER_BYTES:,} bytes at most."


class _Transport:
    """What uvicorn writes to: to close it is to tell the protocol that all is said.

    The head of an answer waits for the first of its body, so that both leave, and wake whoever
    waits for them, at once; but not for longer than until others have their turn.
    """

    def __init__(self, inner: Transport, protocol: "GuardedProtocol") -> None:
        self._inner = inner
        self._protocol = protocol
        self._head = b""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401, whatever a transport has
        return getattr(self._inner, name)

    def write(self, data: bytes) -> None:
        if self._head:
            self._inner.writelines((self._head, data))
            self._head = b""
        elif data.startswith(_HEAD):
            self._head = data
            self._protocol.loop.call_soon(self._flush)
        else:
            self._inner.write(data)

    def _flush(self) -> None:
        if self._head:
            self.write(b"")

    def close(self) -> None:
        self._flush()
        self._protocol.close()

    def is_closing(self) -> bool:
        return self._protocol.is_closing


class GuardedProtocol(HttpToolsProtocol):
    patience_seconds: ClassVar[float] = 20.0

    _is_silent: bool = True
    _is_receiving: bool = False
    _is_in_head: bool = True
    _head_bytes: int = 0
    _deadline: float = 0.0
    _timer: TimerHandle | None = None
    _refusal: AppError | None = None
    _inner: Transport
    _is_lingering: bool = False
    _left_bytes: int = _LINGER_BYTES

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn
        self._inner = transport
        super().connection_made(cast("Transport", _Transport(transport, self)))
        self._begin()

    @property
    def is_closing(self) -> bool:
        return self._is_lingering or self._inner.is_closing()

    def close(self) -> None:
        """Close the connection; while its client still sends, in our direction alone at first."""
        if self.is_closing or not self._is_receiving or self._is_silent:
            self._inner.close()
            return
        self._end()
        self._is_lingering = True
        self._inner.write_eof()
        self.flow.resume_reading()
        self._timer = self.loop.call_later(_LINGER_SECONDS, self._inner.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_lingering:
            self._left_bytes -= len(data)
            if self._left_bytes < 0:
                self._inner.close()
            return
        if self._is_receiving:
            now = self.loop.time()
            earned = self._deadline + len(data) / _LEAST_BYTES_PER_SECOND
            self._deadline = min(earned, now + self.patience_seconds)
        self._is_silent = False
        super().data_received(data)
        if self._is_in_head:  # A header that never ends reaches no callback.
            self._head_bytes += len(data)
            if self._head_bytes > _MOST_URL_BYTES + _MOST_HEADER_BYTES:
                self._refuse(HeadersTooLargeError())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > _MOST_URL_BYTES:
            self._give_up(URLTooLongError())

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        if sum(len(name) + len(value) for name, value in self.headers) > _MOST_HEADER_BYTES:
            self._give_up(HeadersTooLargeError())
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._end()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._end()
        self.transport = self._inner
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        del msg
        self._refuse(self._refusal or MalformedRequestError())

    def _begin(self) -> None:
        self._end()
        self._is_receiving, self._is_in_head, self._head_bytes = True, True, 0
        self._deadline = self.loop.time() + self.patience_seconds
        self._timer = self.loop.call_at(self._deadline, self._look)

    def _end(self) -> None:
        self._is_receiving = self._is_in_head = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        now = self.loop.time()
        cycle = self._get_cycle()
        if self.flow.read_paused or (cycle is not None and cycle.waiting_for_100_continue):
            self._deadline = now + self.patience_seconds
        if self._deadline <= now:
            self._refuse(RequestTooSlowError())
        else:
            self._timer = self.loop.call_at(self._deadline, self._look)

    def _give_up(self, error: AppError) -> None:
        """Stop the parser, which then comes to `send_400_response`."""
        self._refusal = error
        raise httptools.HttpParserError

    def _refuse(self, error: AppError) -> None:
        cycle = self._get_cycle()
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        # Nobody expects an answer to nothing, or a second one.
        if not self._is_silent and (cycle is None or not cycle.response_started):
            request_id = _find_request_id(cycle)
            log.info("request refused", request_id=request_id, status=error.status, code=error.code)
            self.transport.write(_render(error, request_id))
        self.transport.close()

    def _get_cycle(self) -> RequestResponseCycle | None:
        """Return the exchange that is going on."""
        cycle: RequestResponseCycle | None = self.cycle
        return None if cycle is None or cycle.response_complete else cycle


def guard(patience_seconds: float) -> type[GuardedProtocol]:
    """Make the class that uvicorn makes a protocol of for each connection."""
    return type("Protocol", (GuardedProtocol,), {"patience_seconds": patience_seconds})


def _find_request_id(cycle: RequestResponseCycle | None) -> str:
    """Return the id that the application gave to the request, where it came that far."""
    state = {} if cycle is None else cycle.scope["state"]
    request_id: str = state.get("request_id") or new_id().hex
    return request_id


def _render(error: AppError, request_id: str) -> bytes:
    body = Problem.from_error(error, request_id).model_dump_json().encode()
    head = (
        f"content-type: {PROBLEM_MEDIA_TYPE}\r\n"
        f"content-length: {len(body)}\r\n"
        f"x-request-id: {request_id}\r\n"
        "connection: close\r\n\r\n"
    )
    return STATUS_LINE[error.status] + head.encode() + body
