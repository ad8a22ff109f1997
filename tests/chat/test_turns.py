"""Questions that have to wait for the model."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from src.config import Settings
from src.main import create_app
from tests.chat.reading import follow, skip_to
from tests.fixtures.servers import LoopbackServer, run_server
from tests.fixtures.users import JSON, Event, User, sign_up

STALLING = {"query": "Hi", "model": "fault-stall-mid", "use_documents": False}


@pytest.fixture
async def busy_server(settings: Settings) -> AsyncIterator[LoopbackServer]:
    """A server whose models work on one question at a time, and let two wait."""
    ollama = settings.ollama.model_copy(
        update={"concurrency": 1, "queue_length": 2, "queue_per_user": 1}
    )
    documents = settings.documents.model_copy(update={"worker_concurrency": 0})
    data_dir = settings.data_dir / "busy"
    changed = {"ollama": ollama, "documents": documents, "data_dir": data_dir}
    async with run_server(create_app(settings.model_copy(update=changed))) as server:
        yield server


@asynccontextmanager
async def ask_stalling(user: User) -> AsyncIterator[AsyncIterator[Event]]:
    async with user.http.stream("POST", "/chat/query/stream", json=STALLING) as response:
        assert response.status_code == 200
        yield follow(response)


async def delete_chat(user: User, started: JSON) -> None:
    await user.http.delete(f"/chat/sessions/{started['session_id']}")


async def test_whoever_waits_sees_the_place_in_the_queue(
    busy_server: LoopbackServer, offline_models: LoopbackServer
) -> None:
    async with AsyncExitStack() as stack:
        users = [await stack.enter_async_context(sign_up(busy_server.api_url)) for _ in range(3)]
        streams, started = [], []
        for user in users:
            streams.append(await stack.enter_async_context(ask_stalling(user)))
            started.append((await skip_to(streams[-1], "message.started")).data)
            if user is users[0]:
                await skip_to(streams[0], "answer.delta")
            else:
                queued = await skip_to(streams[-1], "queued")
                assert (queued.data["position"], queued.id) == (len(streams) - 1, "")
        await delete_chat(users[0], started[0])
        await skip_to(streams[1], "answer.delta")
        assert (await skip_to(streams[2], "queued")).data["position"] == 1
        for user, first in zip(users[1:], started[1:], strict=True):
            await delete_chat(user, first)
    await offline_models.wait_until_idle()


async def test_a_full_queue_is_a_503_that_stores_nothing(busy_server: LoopbackServer) -> None:
    async with AsyncExitStack() as stack:
        users = [await stack.enter_async_context(sign_up(busy_server.api_url)) for _ in range(4)]
        started = []
        for user in users[:3]:
            stream = await stack.enter_async_context(ask_stalling(user))
            started.append((await skip_to(stream, "message.started")).data)
            await skip_to(stream, "queued" if started[1:] else "answer.delta")
        for path in ("/chat/query", "/chat/query/stream"):
            refused = await users[3].http.post(path, json=STALLING)
            assert (refused.status_code, refused.json()["code"]) == (503, "llm_busy")
            assert refused.headers["Retry-After"] == "5"
        assert (await users[3].http.get("/chat/sessions")).json()["items"] == []
        other_model = await users[3].ask("Hi", use_documents=False)
        assert other_model["status"] == "completed"
        for user, first in zip(users, started, strict=False):
            await delete_chat(user, first)
