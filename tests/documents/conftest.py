from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from src.config import Settings
from src.embedded import run_postgres
from tests.conftest import make_settings
from tests.fixtures.servers import LoopbackServer


@pytest.fixture
async def own(offline_models: LoopbackServer, tmp_path: Path) -> AsyncIterator[Settings]:
    """Settings with a database of their own, for what looks at every document there is."""
    unsafe = {"fsync": "off", "synchronous_commit": "off"}
    async with run_postgres(tmp_path / "postgres", settings=unsafe) as url:
        yield make_settings(url, offline_models.url, tmp_path / "data")
