"""The whole of Colloquy on embedded parts, started, stopped and killed as on somebody's machine."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import httpx
import psutil
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from src.llm.offline.app import create_offline_app
from tests.fixtures.processes import Colloquy, find_free_port, run_colloquy
from tests.fixtures.servers import run_server
from tests.fixtures.users import JSON, PASSWORD, User, join_text, read_events, sign_up

TEXT = "# Lighthouse\n\nThe lighthouse of Alexandria was built by Sostratus of Cnidus.\n"
LONG_TEXT = "\n\n".join(
    f"# Part {n}\n\nThe keeper number {n} of the lighthouse lit lamp {n} every evening." * 4
    for n in range(1500)
)


@asynccontextmanager
async def as_before(colloquy: Colloquy, user: User) -> AsyncIterator[User]:
    """The same user, on a server that was started again: the token is still good."""
    headers = {"Authorization": f"Bearer {user.token}"}
    async with httpx.AsyncClient(
        base_url=colloquy.api_url, headers=headers, trust_env=False, timeout=100
    ) as http:
        yield User(user.id, user.username, user.token, http)


async def assert_nothing_is_left(children: list[psutil.Process]) -> None:
    async with asyncio.timeout(60):
        while any(child.is_running() for child in children):
            await asyncio.sleep(0.05)


async def wait_for_parts(http: httpx.AsyncClient, colloquy: Colloquy, **are_ready: bool) -> JSON:
    """Wait until the parts are as expected: those of a busy machine may not answer in time."""
    async with asyncio.timeout(60):
        while True:
            answer = await http.get(f"{colloquy.url}/health/ready")
            ready: JSON = answer.json()
            assert answer.is_success is (ready["status"] == "ready")
            if all(ready[part]["is_ready"] is is_ready for part, is_ready in are_ready.items()):
                return ready
            await asyncio.sleep(0.1)


async def test_from_an_empty_folder_to_a_cited_answer(tmp_path: Path) -> None:
    async with run_colloquy(tmp_path / "data") as colloquy:
        async with httpx.AsyncClient(trust_env=False, timeout=100) as http:
            ready = await wait_for_parts(http, colloquy, database=True, vectors=True, models=True)
        assert ready["status"] == "ready"
        assert all(ready[part]["is_embedded"] for part in ("database", "vectors", "models"))
        assert "NO OLLAMA FOUND" in colloquy.log
        async with sign_up(colloquy.api_url) as user:
            document = await user.add_document(TEXT)
            events = await user.stream("Who built the lighthouse of Alexandria?")
            assert "Sostratus of Cnidus" in join_text(events)
            cited = [s for s in events[-1].data["message"]["sources"] if s["is_cited"]]
            assert [source["document_id"] for source in cited] == [document["id"]]
        children = colloquy.list_children()
        assert len(children) > 3
        assert await colloquy.stop() == 0
        await assert_nothing_is_left(children)
        assert "Traceback" not in colloquy.log
        for secret in (user.token, PASSWORD, "Sostratus", "Who built"):
            assert secret not in colloquy.log
    async with (
        run_colloquy(tmp_path / "data") as colloquy,
        as_before(colloquy, user) as user,
    ):
        assert (await user.http.get("/auth/me")).json()["username"] == user.username
        assert await user.search("Who built the lighthouse?")
        session_id = events[0].data["session_id"]
        messages = (await user.http.get(f"/chat/sessions/{session_id}/messages")).json()
        assert len(messages["items"]) == 2
        assert await colloquy.stop() == 0


def stop_embedding(app: ASGIApp, after: int) -> ASGIApp:
    """Give so many batches to an application, and no answer to the others."""
    numbers = count(1)

    async def embed_some(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/api/embed" and next(numbers) > after:
            await asyncio.Event().wait()
        await app(scope, receive, send)

    return embed_some


async def test_nothing_acknowledged_is_lost_to_a_kill_while_indexing(tmp_path: Path) -> None:
    async with (
        run_server(stop_embedding(create_offline_app(), after=8)) as models,
        run_colloquy(
            tmp_path / "data",
            OLLAMA_URL=models.url,
            OLLAMA_CHAT_MODEL="offline-chat",
            OLLAMA_EMBED_MODEL="offline-embed",
            DOCUMENTS_INDEX_BATCH_SIZE="16",
        ) as colloquy,
    ):
        async with sign_up(colloquy.api_url) as user:
            small = (await user.upload(("small.md", TEXT.encode()))).json()["results"][0]
            large = (await user.upload(("large.md", LONG_TEXT.encode()))).json()["results"][0]
            half_done = await wait_for_chunks(user, large["document"]["id"])
        children = colloquy.list_children()
        await colloquy.kill()
        await assert_nothing_is_left(children)
    async with (
        run_colloquy(tmp_path / "data") as colloquy,
        as_before(colloquy, user) as user,
    ):
        done = await user.wait_for(large["document"]["id"])
        assert done["chunks_done"] == done["chunks_total"] >= half_done["chunks_done"] > 0
        await user.wait_for(small["document"]["id"])
        found = await user.search("keeper number 1499 lamp 1499", limit=3)
        assert any("1499" in passage["text"] for passage in found)
        assert len({passage["chunk_id"] for passage in found}) == len(found)
        assert await colloquy.stop() == 0


async def wait_for_chunks(user: User, document_id: str) -> JSON:
    """Wait until some passages are indexed, but not all of them."""
    async with asyncio.timeout(60):
        while True:
            document: JSON = (await user.http.get(f"/documents/{document_id}")).json()
            if document["chunks_done"] > 0:
                assert document["status"] == "processing"
                return document
            await asyncio.sleep(0.01)


async def test_a_kill_in_the_middle_of_an_answer_keeps_what_was_stored(tmp_path: Path) -> None:
    slow = create_offline_app(token_delay_seconds=1)
    async with run_server(slow) as models:
        settings = {
            "OLLAMA_URL": models.url,
            "OLLAMA_CHAT_MODEL": "offline-chat",
            "OLLAMA_EMBED_MODEL": "offline-embed",
            "CHAT_SAVE_INTERVAL_SECONDS": "0.1",
        }
        async with (
            run_colloquy(tmp_path / "data", **settings) as colloquy,
            sign_up(colloquy.api_url) as user,
        ):
            await user.add_document(TEXT)
            request = {"query": "Who built the lighthouse of Alexandria?"}
            stream = user.http.stream("POST", "/chat/query/stream", json=request)
            async with stream as response:
                received = ""
                async for line in response.aiter_lines():
                    received += f"{line}\n"
                    if "event: answer.delta" in received:
                        break
                started = read_events(received)[0].data
                await wait_for_text(user, started["message_id"])
                await colloquy.kill()
        async with (
            run_colloquy(tmp_path / "data", **settings) as colloquy,
            as_before(colloquy, user) as user,
        ):
            message = await wait_for_end(user, started["message_id"])
            assert message["status"] == "interrupted"
            assert len(message["content"]) > 3
            assert message["sources"]
            assert "From the passages".startswith(message["content"][:3])
            assert await colloquy.stop() == 0


async def wait_for_text(user: User, message_id: str) -> None:
    """Wait until some of an answer is stored."""
    async with asyncio.timeout(60):
        while True:
            message = (await user.http.get(f"/chat/messages/{message_id}")).json()
            if message["sources"] and len(message["content"]) > 3:
                return
            await asyncio.sleep(0.05)


async def wait_for_end(user: User, message_id: str) -> JSON:
    async with asyncio.timeout(60):
        while True:
            message: JSON = (await user.http.get(f"/chat/messages/{message_id}")).json()
            if message["status"] != "streaming":
                return message
            await asyncio.sleep(0.1)


async def test_without_a_model_server_everything_waits_for_it(tmp_path: Path) -> None:
    port = find_free_port()
    settings = {
        "OLLAMA_URL": f"http://127.0.0.1:{port}",
        "OLLAMA_CHAT_MODEL": "offline-chat",
        "OLLAMA_EMBED_MODEL": "offline-embed",
    }
    async with (
        run_colloquy(tmp_path / "data", **settings) as colloquy,
        sign_up(colloquy.api_url) as user,
    ):
        ready = await wait_for_parts(user.http, colloquy, database=True, vectors=True, models=False)
        assert ready["status"] == "not_ready"
        assert "OLLAMA_URL" in ready["models"]["detail"]
        for path in ("/chat/query", "/chat/query/stream"):
            refused = await user.http.post(path, json={"query": "Who?"})
            assert (refused.status_code, refused.json()["code"]) == (503, "llm_unavailable")
            assert int(refused.headers["Retry-After"]) > 0
            assert "OLLAMA_URL" in refused.json()["detail"]
        uploaded = (await user.upload(("a.md", TEXT.encode()))).json()["results"][0]["document"]
        waiting = await wait_for_reason(user, uploaded["id"])
        assert (waiting["status"], waiting["status_code"]) == ("pending", "llm_unavailable")
        async with run_models(port):
            await user.wait_for(uploaded["id"])
            answer = await user.ask("Who built the lighthouse of Alexandria?")
            assert "Sostratus" in answer["answer"]
            await wait_for_parts(user.http, colloquy, database=True, vectors=True, models=True)
        assert await colloquy.stop() == 0


@asynccontextmanager
async def run_models(port: int) -> AsyncIterator[None]:
    async with run_server(create_offline_app(), port=port):
        yield


async def wait_for_reason(user: User, document_id: str) -> JSON:
    async with asyncio.timeout(60):
        while True:
            document: JSON = (await user.http.get(f"/documents/{document_id}")).json()
            if document["status_code"] is not None:
                return document
            await asyncio.sleep(0.05)


def read_pid(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (FileNotFoundError, IndexError):
        return None


async def is_known(user: User) -> bool:
    response = await user.http.get("/auth/me")
    assert response.status_code == 200 or response.json()["code"] == "database_unavailable"
    return response.status_code == 200


async def test_a_database_that_dies_comes_back(tmp_path: Path) -> None:
    async with (
        run_colloquy(tmp_path / "data") as colloquy,
        sign_up(colloquy.api_url) as user,
    ):
        document = await user.add_document(TEXT)
        pid_file = tmp_path / "data/postgres/postmaster.pid"
        killed = read_pid(pid_file)
        assert killed is not None
        psutil.Process(killed).send_signal(signal.SIGKILL)
        async with asyncio.timeout(60):
            # Its connections outlive it for a moment, so the first answers may still be good ones.
            while read_pid(pid_file) == killed or not await is_known(user):
                await asyncio.sleep(0.05)
        assert (await user.http.get(f"/documents/{document['id']}")).status_code == 200
        again = await user.add_document("The second lighthouse stands on Pharos.", "b.md")
        assert again["status"] == "ready"
        assert await colloquy.stop() == 0


async def test_one_process_at_a_time_works_on_a_folder(tmp_path: Path) -> None:
    async with run_colloquy(tmp_path / "data"):
        with pytest.raises(AssertionError, match=r"is in use by process \d+.*DATABASE_URL"):
            async with run_colloquy(tmp_path / "data"):
                pass


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ENVIRONMENT": "production"}, "ENVIRONMENT=production needs these settings as well"),
        ({"DATABASE_URL": "mysql://me@here/it"}, "it should begin with postgresql://"),
        ({"DATA_DIR": "/proc/colloquy"}, "/proc/colloquy cannot be made"),
        ({"DATABASE_POOL_SIZE": "many"}, "DATABASE_POOL_SIZE: Input should be a valid integer"),
    ],
)
async def test_a_bad_configuration_is_one_clear_message(
    tmp_path: Path, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(AssertionError) as refused:
        async with run_colloquy(tmp_path / "data", **settings):
            pass
    assert message in str(refused.value)
    assert "Traceback" not in str(refused.value)
