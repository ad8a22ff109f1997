"""Encodes the events of an answer as server-sent events (WHATWG HTML, section 9.2)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from src.chat.events import Queued
from src.chat.following import Answer
from src.chat.live import Positioned

_PING = b": ping\n\n"


def encode_event(positioned: Positioned) -> bytes:
    event = positioned.event
    # A place in the queue is nothing to come back to, so it has no cursor.
    cursor = "" if isinstance(event, Queued) else f"id: {positioned.cursor}\n"
    return f"event: {event.type}\n{cursor}data: {event.model_dump_json()}\n\n".encode()


async def stream_events(answer: Answer, cursor: int, ping_seconds: float) -> AsyncGenerator[bytes]:
    """Yield what is behind a cursor, to the end; a comment now and then keeps proxies patient."""
    async with aclosing(answer.follow(cursor, ping_seconds)) as events:
        async for positioned in events:
            yield _PING if positioned is None else encode_event(positioned)
