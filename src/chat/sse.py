"""Encodes the events of an answer as server-sent events (WHATWG HTML, section 9.2)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from src.chat.following import Answer
from src.chat.live import Positioned

_PING = b": ping\n\n"


def encode_event(positioned: Positioned) -> bytes:
    event = positioned.event
    data = event.model_dump_json()
    return f"event: {event.type}\nid: {positioned.cursor}\ndata: {data}\n\n".encode()


async def stream_events(answer: Answer, cursor: int, ping_seconds: float) -> AsyncGenerator[bytes]:
    """Yield what is behind a cursor, to the end; a comment now and then keeps proxies patient."""
    async with aclosing(answer.follow(cursor, ping_seconds)) as events:
        async for positioned in events:
            yield _PING if positioned is None else encode_event(positioned)
