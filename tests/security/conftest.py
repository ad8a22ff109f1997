from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from src.config import DocumentSettings, Settings
from src.main import create_app
from tests.fixtures.servers import LoopbackServer, run_server

ServerFactory = Callable[..., AbstractAsyncContextManager[LoopbackServer]]


@pytest.fixture
def run_with(settings: Settings, tmp_path: Path) -> ServerFactory:
    """Run one more server on the shared parts, with settings of its own."""

    @asynccontextmanager
    async def run(**changed: object) -> AsyncIterator[LoopbackServer]:
        own = {
            "data_dir": tmp_path / "data",
            "documents": DocumentSettings(worker_concurrency=0),
            **changed,
        }
        async with run_server(create_app(settings.model_copy(update=own))) as server:
            yield server

    return run
