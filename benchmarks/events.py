"""What sending an event costs, beside FastAPI's own way: `python -m benchmarks.events [EVENTS]`.

Both applications are called in this process, so that nothing but the sending is measured.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator

from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.types import Message, Scope

from src.chat.events import AnswerDelta
from src.sse import EventStreamResponse, encode_event

_ROUNDS = 7


def create_app(count: int) -> FastAPI:
    app = FastAPI()

    async def make_events() -> AsyncGenerator[AnswerDelta]:
        for index in range(count):
            await asyncio.sleep(0)
            yield AnswerDelta(text=f" word{index}")

    async def encode() -> AsyncGenerator[bytes]:
        async for index, event in _enumerate(make_events()):
            yield encode_event(event, index)

    @app.get("/ours")
    async def stream_ours() -> EventStreamResponse:
        return EventStreamResponse(encode())

    @app.get("/fastapi", response_class=EventSourceResponse)
    async def stream_fastapi() -> AsyncIterator[ServerSentEvent]:
        async for index, event in _enumerate(make_events()):
            yield ServerSentEvent(raw_data=event.model_dump_json(), event=event.type, id=str(index))

    return app


async def _enumerate(
    events: AsyncGenerator[AnswerDelta],
) -> AsyncGenerator[tuple[int, AnswerDelta]]:
    index = 0
    async for event in events:
        yield index, event
        index += 1


async def measure(app: FastAPI, path: str) -> tuple[float, int]:
    """Return the seconds of CPU that a whole stream takes, and its bytes."""
    size = 0
    requested = False

    async def receive() -> Message:
        nonlocal requested
        if requested:
            await asyncio.Event().wait()
        requested = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal size
        size += len(message.get("body", b""))

    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "method": "GET",
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"",
        "headers": [], "state": {},
    }  # fmt: skip
    started_at = time.process_time()
    await app(scope, receive, send)
    return time.process_time() - started_at, size


async def main(count: int) -> None:
    app = create_app(count)
    print(f"{count} events, {_ROUNDS} rounds in turns. CPU per 1,000 events, in ms.")
    seconds: dict[str, list[float]] = {"/ours": [], "/fastapi": []}
    for _ in range(_ROUNDS):
        for path, measured in seconds.items():
            taken, size = await measure(app, path)
            assert size > 0
            measured.append(taken * 1000 / count * 1000)
    medians = {path: statistics.median(measured) for path, measured in seconds.items()}
    for path, median in medians.items():
        print(f"{path[1:]:>8} {median:7.2f}")
    print(f"{'ratio':>8} {medians['/fastapi'] / medians['/ours']:7.2f}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
