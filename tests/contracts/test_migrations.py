import asyncio
import os
import sys
from collections.abc import AsyncIterator

import alembic.command
import alembic.config
import alembic.script
import asyncpg
import pytest

from src.database import asyncpg_url, migrate
from src.embedded import run_postgres
from tests.contracts.schema_changes import Structure, find_breaks, read_structure

# What came before was never released, so nothing has to be upgraded from it without a pause.
FIRST_RELEASED = "6c0e7d41b2a8"


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


def list_revisions_since_release() -> list[str]:
    """Oldest first; the first is the one that was released."""
    scripts = alembic.script.ScriptDirectory.from_config(alembic.config.Config("alembic.ini"))
    walked = scripts.walk_revisions(base=FIRST_RELEASED, head="heads")
    return [script.revision for script in walked][::-1]


def plain(url: str) -> str:
    return asyncpg_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def look(url: str) -> Structure:
    connection = await asyncpg.connect(plain(url))
    try:
        return await read_structure(connection)
    finally:
        await connection.close()


async def test_every_migration_lets_the_former_version_go_on(url: str) -> None:
    """See `schema_changes`."""
    released, *later = list_revisions_since_release()
    await asyncio.to_thread(migrate, url, released)
    before = await look(url)
    assert before.tables >= {"users", "documents", "messages"}
    for revision in later:
        await asyncio.to_thread(migrate, url, revision)
        after = await look(url)
        assert list(find_breaks(before, after)) == [], revision
        before = after


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("DROP TABLE boxes", "boxes.id is gone"),
        ("ALTER TABLE boxes RENAME COLUMN label TO name", "boxes.label is gone"),
        ("ALTER TABLE boxes ALTER COLUMN coins TYPE bigint", "boxes.coins has another type"),
        ("ALTER TABLE boxes ALTER COLUMN label SET NOT NULL", "boxes.label may not be empty"),
        ("ALTER TABLE boxes ALTER COLUMN coins DROP DEFAULT", "boxes.coins has no default"),
        ("ALTER TABLE boxes ADD COLUMN lid text", None),
        ("ALTER TABLE boxes ADD COLUMN lid text NOT NULL DEFAULT 'closed'", None),
        ("CREATE TABLE lids (id int PRIMARY KEY, name text NOT NULL)", None),
        ("CREATE INDEX ON boxes (label)", None),
        ("CREATE UNIQUE INDEX ON boxes (label)", "boxes has a new rule"),
        ("ALTER TABLE boxes ADD CHECK (coins > 0)", "boxes has a new rule"),
    ],
)
async def test_what_breaks_the_former_version_is_found(
    database_url: str, change: str, complaint: str | None
) -> None:
    connection = await asyncpg.connect(plain(database_url))
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(
            "CREATE TABLE boxes (id int PRIMARY KEY, label text, coins int NOT NULL DEFAULT 0)"
        )
        before = await read_structure(connection)
        await connection.execute(change)
        found = list(find_breaks(before, await read_structure(connection)))
    finally:
        await transaction.rollback()
        await connection.close()
    assert bool(found) == (complaint is not None), found
    assert complaint is None or any(each.startswith(complaint) for each in found), found
