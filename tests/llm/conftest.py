"""The offline models with all their faults over a real socket, and clients for any server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Protocol

import httpx
import pytest
from starlette.types import ASGIApp

from src.config import OllamaSettings
from src.llm.client import OllamaClient, create_http_client
from tests.fixtures.servers import LoopbackServer, run_server


class ClientFactory(Protocol):
    async def __call__(self, url: str, **settings: object) -> OllamaClient: ...


ServerFactory = Callable[[ASGIApp], Awaitable[LoopbackServer]]


@pytest.fixture
async def raw(offline_models: LoopbackServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=offline_models.url, trust_env=False, timeout=100) as http:
        yield http


@pytest.fixture
async def make_client() -> AsyncIterator[ClientFactory]:
    async with AsyncExitStack() as stack:

        async def make(url: str, **settings: object) -> OllamaClient:
            values = OllamaSettings.model_validate(settings)
            http = await stack.enter_async_context(create_http_client(values, url))
            return OllamaClient(http, values)

        yield make


@pytest.fixture
async def serve() -> AsyncIterator[ServerFactory]:
    async with AsyncExitStack() as stack:

        async def start(app: ASGIApp) -> LoopbackServer:
            return await stack.enter_async_context(run_server(app))

        yield start
