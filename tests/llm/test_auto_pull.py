"""Models that are missing at the start, on one server or several."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest

from src.config import Settings
from src.main import create_app
from tests.fixtures.roles import make_admin
from tests.fixtures.servers import LoopbackServer, run_server, wait_until
from tests.fixtures.users import JSON, read_events, sign_up
from tests.llm.scripted import ScriptedModel, ScriptedServer

LAYER = {"digest": "sha256:1", "total": 2_000_000}
LINES: list[JSON] = [
    {"status": "pulling 1", **LAYER, "completed": 1_000_000},
    {"status": "pulling 1", **LAYER, "completed": 2_000_000},
    {"status": "success"},
]


@dataclass
class Setting:
    ollamas: list[ScriptedServer]
    server: LoopbackServer

    async def get_models(self) -> tuple[int, JSON]:
        async with httpx.AsyncClient(trust_env=False, timeout=100) as http:
            response = await http.get(f"{self.server.url}/health/ready")
        return response.status_code, response.json()["models"]

    def pulled(self) -> list[list[object]]:
        return [[body["model"] for body in one.bodies_of("pull")] for one in self.ollamas]


@pytest.fixture
async def starting(settings: Settings) -> AsyncIterator[Setting]:
    """A Colloquy with two model servers; one lacks the chat model and the embedding model."""
    embedder = {"nomic-embed-text:latest": ScriptedModel(capabilities=["embedding"])}
    ollamas = [
        ScriptedServer({"spare:7b": ScriptedModel()}, pulled_lines=LINES),
        ScriptedServer(embedder, pulled_lines=LINES),
    ]
    async with AsyncExitStack() as stack:
        urls = [(await stack.enter_async_context(run_server(ollama.app))).url for ollama in ollamas]
        ollama = settings.ollama.model_copy(
            update={
                "url": " , ".join(urls),
                "chat_model": "llama3.2",
                "embed_model": "nomic-embed-text",
                "auto_pull": True,
                "recovery_seconds": 0.05,
            }
        )
        changed = {
            "ollama": ollama,
            "documents": settings.documents.model_copy(update={"worker_concurrency": 0}),
            "data_dir": settings.data_dir / "auto-pull",
        }
        app = create_app(settings.model_copy(update=changed))
        yield Setting(ollamas, await stack.enter_async_context(run_server(app)))
        for one in ollamas:
            one.may_pull.set()


async def wait_for(starting: Setting, status: int, words: str = "") -> None:
    while True:
        found, models = await starting.get_models()
        if found == status and words in (models["detail"] or ""):
            return


async def test_missing_models_are_pulled_and_the_progress_is_shown(starting: Setting) -> None:
    await wait_for(starting, 503, "Pulling 'llama3.2:latest': 2 of 4 MB.")
    for one in starting.ollamas:
        one.may_pull.set()
    await wait_for(starting, 200)
    names = ["llama3.2:latest", "nomic-embed-text:latest"]
    await wait_until(
        lambda: [sorted(map(str, pulled)) for pulled in starting.pulled()] == [names] * 2
    )


async def test_a_pull_that_fails_is_tried_again(starting: Setting) -> None:
    failing, fine = starting.ollamas
    failing.pulled_lines = [LINES[0], {"error": "no space left"}]
    fine.may_pull.set()
    failing.may_pull.set()
    while len(failing.bodies_of("pull")) < 3:
        await starting.get_models()
    failing.pulled_lines = LINES
    await wait_for(starting, 200)
    while len(failing.models) < 3:
        await starting.get_models()


async def test_what_an_admin_pulls_or_deletes_concerns_every_server(
    settings: Settings, starting: Setting
) -> None:
    for one in starting.ollamas:
        one.may_pull.set()
    await wait_for(starting, 200)
    async with sign_up(starting.server.api_url) as admin:
        await make_admin(settings, admin)
        pulled = await admin.http.post("/llm/models/pull", json={"model": "new:1b"})
        assert read_events(pulled.text)[-1].type == "pull.completed"
        assert all("new:1b" in one.models for one in starting.ollamas)
        assert (await admin.http.delete("/llm/models/new:1b")).status_code == 204
        assert not any("new:1b" in one.models for one in starting.ollamas)
        starting.ollamas[1].pulled_lines = [{"error": "no space left"}]
        failed = await admin.http.post("/llm/models/pull", json={"model": "new:1b"})
        last = read_events(failed.text)[-1]
        assert (last.type, last.data["problem"]["code"]) == ("error", "model_unobtainable")
        assert "new:1b" in starting.ollamas[0].models
