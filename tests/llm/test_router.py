from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from src.config import OllamaSettings
from src.llm.router import router
from src.llm.servers import open_servers
from src.llm.service import LLMService
from src.routes import API_PREFIX
from tests.fixtures.servers import LoopbackServer
from tests.llm.conftest import ServerFactory

SETTINGS = OllamaSettings(chat_model="offline-chat", embed_model="offline-embed")


@pytest.fixture
async def http(
    offline_models: LoopbackServer, serve: ServerFactory
) -> AsyncIterator[httpx.AsyncClient]:
    async with open_servers(SETTINGS, [offline_models.url]) as servers:

        @asynccontextmanager
        async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, LLMService]]:
            yield {"llm": LLMService(servers, servers, SETTINGS)}

        app = FastAPI(lifespan=lifespan)
        app.include_router(router)
        server = await serve(app)
        async with httpx.AsyncClient(
            base_url=f"{server.url}{API_PREFIX}", trust_env=False, timeout=100
        ) as http:
            yield http


async def test_models_are_listed_on_one_page(http: httpx.AsyncClient) -> None:
    page = (await http.get("/llm/models")).json()
    defaults = [model["name"] for model in page["items"] if model["is_default"]]
    assert defaults == ["offline-chat:latest"]
    assert page["next_cursor"] is None


@pytest.mark.parametrize("name", ["offline-embed", "registry.ollama.ai/library/offline-embed"])
async def test_a_model_is_found_by_any_spelling(http: httpx.AsyncClient, name: str) -> None:
    model = (await http.get(f"/llm/models/{name}")).json()
    assert (model["name"], model["capabilities"]) == ("offline-embed:latest", ["embedding"])
    assert model["size_bytes"] > 0
    assert model["context_length"] == 2048


async def test_the_status_names_both_models(http: httpx.AsyncClient) -> None:
    status = (await http.get("/llm/status")).json()
    assert status["is_ready"] is True
    assert status["chat"]["model"] == "offline-chat"
    assert status["embedding"]["version"] == "0.33.0"
