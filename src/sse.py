"""Server-sent events (WHATWG HTML, section 9.2): the one way in which streams leave."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import Final, Protocol

from starlette.responses import StreamingResponse
from starlette.types import Message, Send

EVENT_STREAM: Final = "text/event-stream"
PING: Final = b": ping\n\n"
PING_SECONDS: Final = 15.0


class Event(Protocol):
    @property
    def type(self) -> str: ...
    def model_dump_json(self) -> str: ...


def encode_event(event: Event, cursor: int | None = None) -> bytes:
    """Write one event; what has no cursor is nothing to come back to."""
    name = "" if cursor is None else f"id: {cursor}\n"
    return f"event: {event.type}\n{name}data: {event.model_dump_json()}\n\n".encode()


async def encode_events(events: AsyncGenerator[Event]) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        async for event in events:
            yield encode_event(event)


class EventStreamResponse(StreamingResponse):
    """Sends events at once, past every cache and buffer.

    After some silence it sends a comment, so that nobody on the way takes the connection for dead.
    """

    media_type = EVENT_STREAM

    def __init__(
        self,
        events: AsyncIterable[bytes],
        ping_seconds: float = PING_SECONDS,
        status_code: int = 200,  # FastAPI documents what it finds here.
    ) -> None:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(events, status_code, headers)
        self._ping_seconds = ping_seconds
        self._sent_at = 0.0

    async def stream_response(self, send: Send) -> None:
        get_time = asyncio.get_running_loop().time
        pinging = asyncio.create_task(self._keep_pinging(send))

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.body" and not message["more_body"]:
                pinging.cancel()
            await send(message)
            self._sent_at = get_time()

        try:
            await super().stream_response(send_on)
        finally:
            pinging.cancel()

    async def _keep_pinging(self, send: Send) -> None:
        """Between two events, and never inside one: each is sent in one go."""
        get_time = asyncio.get_running_loop().time
        self._sent_at = get_time()
        while True:
            await asyncio.sleep(max(self._sent_at + self._ping_seconds - get_time(), 0))
            if get_time() - self._sent_at >= self._ping_seconds:
                await send({"type": "http.response.body", "body": PING, "more_body": True})
                self._sent_at = get_time()
