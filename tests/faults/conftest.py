"""A database of its own for each test, because these tests look at everything there is."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from src.config import Settings
from src.embedded import run_postgres
from tests.conftest import make_settings
from tests.fixtures.servers import LoopbackServer


@pytest.fixture
async def own(offline_models: LoopbackServer, tmp_path: Path) -> AsyncIterator[Settings]:
    unsafe = {"fsync": "off", "synchronous_commit": "off"}
    async with run_postgres(tmp_path / "postgres", settings=unsafe) as url:
        yield make_settings(url, offline_models.url, tmp_path / "data")
