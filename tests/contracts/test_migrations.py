import asyncio
import os
import sys
from collections.abc import AsyncIterator

import alembic.command
import alembic.config
import pytest

from src.database import migrate
from src.embedded import run_postgres


@pytest.fixture
async def url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    data_dir = tmp_path_factory.mktemp("migrations")
    async with run_postgres(data_dir, settings={"fsync": "off"}) as url:
        yield url


def run(url: str, command: str, *arguments: str) -> None:
    config = alembic.config.Config("alembic.ini")
    config.attributes["url"] = url
    getattr(alembic.command, command)(config, *arguments)


async def test_migrations_go_up_and_down_and_match_the_models(url: str) -> None:
    await asyncio.to_thread(migrate, url)
    await asyncio.to_thread(run, url, "check")
    await asyncio.to_thread(run, url, "downgrade", "base")
    await asyncio.to_thread(migrate, url)
    await asyncio.to_thread(run, url, "check")


async def test_several_processes_may_migrate_at_once(url: str) -> None:
    environment = os.environ | {"DATABASE_URL": url}
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "src.cli", "migrate", env=environment
        )
        for _ in range(3)
    ]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    await asyncio.to_thread(run, url, "check")
