from collections.abc import AsyncIterator

import httpx
import pytest

from src.config import Settings
from src.main import create_app
from tests.chat.scripted import Script, create_scripted_app
from tests.fixtures.servers import LoopbackServer, run_server
from tests.fixtures.users import User, sign_up


@pytest.fixture
def script() -> Script:
    """What the scripted model says; its gate is open unless a test closes it."""
    script = Script()
    script.gate.set()
    return script


@pytest.fixture
async def scripted_models(script: Script) -> AsyncIterator[LoopbackServer]:
    async with run_server(create_scripted_app(script)) as server:
        yield server
        script.gate.set()


@pytest.fixture
def scripted_settings(
    settings: Settings, scripted_models: LoopbackServer, offline_models: LoopbackServer
) -> Settings:
    ollama = settings.ollama.model_copy(
        update={
            "url": scripted_models.url,
            "embed_url": offline_models.url,
            "chat_model": "scripted",
        }
    )
    intervals = {"follow_interval_seconds": 0.02, "ping_seconds": 0.5, "socket_login_seconds": 60}
    chat = settings.chat.model_copy(update=intervals)
    return settings.model_copy(update={"ollama": ollama, "chat": chat})


def rehouse(settings: Settings, name: str) -> Settings:
    """Give another process a folder of its own; it leaves the documents to the first one."""
    documents = settings.documents.model_copy(update={"worker_concurrency": 0})
    return settings.model_copy(
        update={"data_dir": settings.data_dir / name, "documents": documents}
    )


@pytest.fixture
async def scripted_server(scripted_settings: Settings) -> AsyncIterator[LoopbackServer]:
    async with run_server(create_app(rehouse(scripted_settings, "first"))) as server:
        yield server


@pytest.fixture
async def other_server(scripted_settings: Settings) -> AsyncIterator[LoopbackServer]:
    """A second process on the same database, as far as an answer can tell."""
    async with run_server(create_app(rehouse(scripted_settings, "second"))) as server:
        yield server


@pytest.fixture
async def asker(scripted_server: LoopbackServer) -> AsyncIterator[User]:
    """A user of the scripted model."""
    async with sign_up(scripted_server.api_url) as user:
        yield user


@pytest.fixture
async def elsewhere(other_server: LoopbackServer, asker: User) -> AsyncIterator[httpx.AsyncClient]:
    """The same user at the other process."""
    async with httpx.AsyncClient(
        base_url=other_server.api_url,
        headers=dict(asker.http.headers),
        trust_env=False,
        timeout=100,
    ) as http:
        yield http
