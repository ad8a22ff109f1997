"""Managing the models of the server: who may, and what everybody sees of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from src.config import Settings
from src.main import create_app
from tests.chat.reading import follow, skip_to
from tests.conftest import UserFactory
from tests.fixtures.roles import make_admin
from tests.fixtures.servers import LoopbackServer, run_server
from tests.fixtures.users import JSON, Event, User, read_events, sign_up
from tests.llm.scripted import ScriptedModel, ScriptedServer

LAYER = {"digest": "sha256:1", "total": 1000}
LINES: list[JSON] = [
    {"status": "pulling manifest"},
    {"status": "pulling 1", **LAYER},
    {"status": "pulling 1", **LAYER, "completed": 1000},
    {"status": "pulling 2", "digest": "sha256:2", "total": 50, "completed": 20},
    {"status": "verifying sha256 digest"},
    {"status": "success"},
]


@dataclass
class Setting:
    ollama: ScriptedServer
    upstream: LoopbackServer
    admin: User


@pytest.fixture
async def managed(settings: Settings) -> AsyncIterator[Setting]:
    """A Colloquy whose model server can pull and delete, and its admin."""
    ollama = ScriptedServer(
        {
            "llama3.2:latest": ScriptedModel(),
            "spare:7b": ScriptedModel(),
            "nomic-embed-text:latest": ScriptedModel(capabilities=["embedding"]),
        },
        pulled_lines=LINES,
    )
    async with run_server(ollama.app) as upstream:
        names = {"chat_model": "llama3.2", "embed_model": "nomic-embed-text"}
        changed = {
            "ollama": settings.ollama.model_copy(update={"url": upstream.url, **names}),
            "documents": settings.documents.model_copy(update={"worker_concurrency": 0}),
            "data_dir": settings.data_dir / "managed",
        }
        async with run_server(create_app(settings.model_copy(update=changed))) as server:
            async with sign_up(server.api_url) as admin:
                await make_admin(settings, admin)
                yield Setting(ollama, upstream, admin)
            ollama.may_pull.set()


async def pull(user: User, model: str = "new:1b") -> list[Event]:
    response = await user.http.post("/llm/models/pull", json={"model": model})
    assert response.status_code == 200, response.text
    return read_events(response.text)


async def list_names(user: User) -> list[str]:
    return [model["name"] for model in (await user.http.get("/llm/models")).json()["items"]]


@asynccontextmanager
async def watch(user: User, model: str = "new:1b") -> AsyncIterator[AsyncIterator[Event]]:
    body = {"model": model}
    async with user.http.stream("POST", "/llm/models/pull", json=body) as response:
        yield follow(response)


async def test_a_pull_is_shared_and_followed_to_its_end(managed: Setting) -> None:
    assert "new:1b" not in await list_names(managed.admin)
    async with watch(managed.admin, "new:1b") as one, watch(managed.admin, "NEW:1B") as other:
        for events in (one, other):
            await skip_to(events, "pull.progress")
        managed.ollama.may_pull.set()
        for events in (one, other):
            *before, last = [event async for event in events]
            assert last.data == {"type": "pull.completed", "model": "new:1b"}
            assert {event.type for event in before} <= {"pull.progress"}
    assert len(managed.ollama.bodies_of("pull")) == 1
    assert "new:1b" in await list_names(managed.admin)


async def test_the_layers_are_added_up(managed: Setting) -> None:
    managed.ollama.lines_at_once = 4
    async with watch(managed.admin) as events:
        progress: JSON = {"completed_bytes": 0}
        while progress["completed_bytes"] < 1020:
            progress = (await skip_to(events, "pull.progress")).data
    assert (progress["completed_bytes"], progress["total_bytes"]) == (1020, 1050)


async def test_a_pull_goes_on_without_its_watcher(managed: Setting) -> None:
    async with watch(managed.admin) as events:
        await anext(events)
    managed.ollama.may_pull.set()
    async with asyncio.timeout(60):
        while "new:1b" not in await list_names(managed.admin):
            await asyncio.sleep(0.02)
    assert len(managed.ollama.bodies_of("pull")) == 1


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([LINES[0], {"error": "open /root/.ollama: no space left"}], "model_unobtainable"),
        (LINES[:3], "llm_invalid_response"),
    ],
)
async def test_a_failing_pull_is_one_error(managed: Setting, lines: list[JSON], code: str) -> None:
    managed.ollama.pulled_lines = lines
    managed.ollama.may_pull.set()
    events = await pull(managed.admin)
    assert (events[-1].type, events[-1].data["problem"]["code"]) == ("error", code)
    assert "/root" not in events[-1].data["problem"]["detail"]
    managed.ollama.pulled_lines = LINES
    assert (await pull(managed.admin))[-1].type == "pull.completed"


async def test_a_stopping_server_leaves_no_pull_behind(
    settings: Settings, managed: Setting
) -> None:
    changed = {
        "ollama": settings.ollama.model_copy(update={"url": managed.upstream.url}),
        "documents": settings.documents.model_copy(update={"worker_concurrency": 0}),
        "data_dir": settings.data_dir / "stopping-pull",
    }
    async with (
        run_server(create_app(settings.model_copy(update=changed))) as server,
        sign_up(server.api_url) as admin,
    ):
        await make_admin(settings, admin)
        async with watch(admin) as events:
            await anext(events)
    await managed.upstream.wait_until_idle()


async def test_a_deleted_model_is_gone(managed: Setting) -> None:
    assert (await managed.admin.http.delete("/llm/models/SPARE:7b")).status_code == 204
    assert "spare:7b" not in await list_names(managed.admin)
    again = await managed.admin.http.delete("/llm/models/spare:7b")
    assert (again.status_code, again.json()["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("name", ["llama3.2", "nomic-embed-text:latest"])
async def test_a_model_that_is_needed_cannot_be_deleted(managed: Setting, name: str) -> None:
    refused = await managed.admin.http.delete(f"/llm/models/{name}")
    assert (refused.status_code, refused.json()["code"]) == (409, "model_in_use")
    assert len(managed.ollama.models) == 3


async def test_only_admins_change_anything(make_user: UserFactory) -> None:
    user = await make_user()
    pulled = await user.http.post("/llm/models/pull", json={"model": "new:1b"})
    deleted = await user.http.delete("/llm/models/fault-busy")
    assert [response.status_code for response in (pulled, deleted)] == [403, 403]
    assert pulled.json()["code"] == "admin_required"


async def test_whether_a_model_is_loaded_is_shown(user: User) -> None:
    await user.ask("Hi", use_documents=False)
    model = (await user.http.get("/llm/models/offline-chat")).json()
    assert model["is_loaded"] is True
    assert (await user.http.get("/llm/models/fault-busy")).json()["is_loaded"] is False
