"""Reading streams as a client that loses its connection now and then."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from tests.fixtures.users import JSON, Event, User, read_events

NO_DOCUMENTS = {"use_documents": False}


async def read_some(response: httpx.Response, most: int | None = None) -> list[Event]:
    """Read whole events until there are so many, or to the end."""
    received = ""
    events: list[Event] = []
    async for text in response.aiter_text():
        received += text
        events = read_events(received[: received.rfind("\n\n") + 2])
        if most is not None and len(events) >= most:
            break
    return events[:most]


@asynccontextmanager
async def ask_stream(user: User, **body: object) -> AsyncIterator[httpx.Response]:
    request = {"query": "Well?", **NO_DOCUMENTS, **body}
    async with user.http.stream("POST", "/chat/query/stream", json=request) as response:
        assert response.status_code == 200
        yield response


async def resume(
    http: httpx.AsyncClient, message_id: str, last: str | None, most: int | None = None
) -> list[Event]:
    headers: Mapping[str, str] = {} if last is None else {"Last-Event-ID": last}
    async with http.stream(
        "GET", f"/chat/messages/{message_id}/stream", headers=headers
    ) as response:
        assert response.status_code == 200
        return await read_some(response, most)


async def start(user: User, **body: object) -> JSON:
    """Ask, read the first event and leave."""
    async with ask_stream(user, **body) as response:
        return (await read_some(response, 1))[0].data


async def wait_for(user: User, message_id: str, *, seconds: float = 60, **expected: object) -> JSON:
    async with asyncio.timeout(seconds):
        while True:
            message: JSON = (await user.http.get(f"/chat/messages/{message_id}")).json()
            if all(message[name] == value for name, value in expected.items()):
                return message
            await asyncio.sleep(0.02)


async def follow(response: httpx.Response) -> AsyncIterator[Event]:
    block = ""
    async for line in response.aiter_lines():
        block += f"{line}\n"
        if not line:
            for event in read_events(block):
                yield event
            block = ""


async def skip_to(events: AsyncIterator[Event], kind: str) -> Event:
    async with asyncio.timeout(60):
        async for event in events:
            if event.type == kind:
                return event
    raise AssertionError(kind)
