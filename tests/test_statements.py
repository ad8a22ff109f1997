import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, bindparam, func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from src.config import DatabaseSettings
from src.database import DatabaseUnavailableError, create_engine
from src.statements import CompiledStatement, Row, Statements, TableParameter
from tests.conftest import execute

NUMBER = CompiledStatement(select(bindparam("number", type_=Text).label("number")))


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    settings = DatabaseSettings(pool_size=1, pool_timeout_seconds=0.1)
    engine = create_engine(database_url, settings)
    yield engine
    await engine.dispose()


async def start_sleeping(
    statements: Statements, database_url: str, name: str
) -> asyncio.Task[list[Row]]:
    query = CompiledStatement(select(func.pg_sleep(600).label(name)))
    sleeping = asyncio.create_task(statements.fetch_all(query))
    while await execute(database_url, f"SELECT pid {find_sleeper(name)}") == "SELECT 0":
        await asyncio.sleep(0.01)
    return sleeping


def find_sleeper(name: str) -> str:
    return (
        f"FROM pg_stat_activity WHERE query LIKE '%pg_sleep%{name}%'"
        " AND state = 'active' AND pid <> pg_backend_pid()"
    )


async def read_number(statements: Statements, number: str) -> object:
    row = await statements.fetch_one(NUMBER, number=number)
    assert row is not None
    return row["number"]


def count_borrowed(engine: AsyncEngine) -> int:
    assert isinstance(engine.pool, QueuePool)
    return engine.pool.checkedout()


async def test_a_cancelled_read_leaves_its_answer_to_nobody(
    engine: AsyncEngine, database_url: str
) -> None:
    statements = Statements(engine)
    sleeping = await start_sleeping(statements, database_url, "cancelled")
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert count_borrowed(engine) == 0
    assert [await read_number(statements, str(number)) for number in range(3)] == ["0", "1", "2"]


async def test_a_connection_that_is_ended_is_an_outage_and_replaced(
    engine: AsyncEngine, database_url: str
) -> None:
    statements = Statements(engine)
    sleeping = await start_sleeping(statements, database_url, "ended")
    await execute(database_url, f"SELECT pg_terminate_backend(pid) {find_sleeper('ended')}")
    with pytest.raises(DatabaseUnavailableError):
        await sleeping
    assert count_borrowed(engine) == 0
    assert await read_number(statements, "1") == "1"


async def test_a_busy_pool_is_an_outage_too(engine: AsyncEngine) -> None:
    async with engine.connect():
        with pytest.raises(DatabaseUnavailableError):
            await read_number(Statements(engine), "1")
    assert await read_number(Statements(engine), "1") == "1"


async def test_a_connection_that_died_while_idle_is_replaced(
    engine: AsyncEngine, database_url: str
) -> None:
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    await execute(database_url, f"SELECT pg_terminate_backend({driver.get_server_pid()})")
    while not driver.is_closed():
        await asyncio.sleep(0.01)
    statements = Statements(engine)
    assert await read_number(statements, "2") == "2"
    assert count_borrowed(engine) == 0


async def test_who_waits_too_long_for_a_turn_meets_an_outage(
    engine: AsyncEngine, database_url: str
) -> None:
    statements = Statements(engine)
    sleeping = await start_sleeping(statements, database_url, "busy")
    with pytest.raises(DatabaseUnavailableError):
        await read_number(statements, "1")
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert await read_number(statements, "1") == "1"


async def test_all_who_read_from_one_pool_share_half_of_it(database_url: str) -> None:
    """The worker and the API in one process leave the other half to sessions."""
    engine = create_engine(database_url, DatabaseSettings(pool_size=4, pool_timeout_seconds=0.1))
    api, worker = Statements(engine), Statements(engine)
    sleeping = [
        await start_sleeping(statements, database_url, name)
        for statements, name in ((api, "sleeps_for_api"), (worker, "sleeps_for_worker"))
    ]
    for statements in (api, worker):
        with pytest.raises(DatabaseUnavailableError):
            await read_number(statements, "1")
    assert count_borrowed(engine) == 2
    for task in sleeping:
        task.cancel()
    await asyncio.gather(*sleeping, return_exceptions=True)
    assert [await read_number(statements, "1") for statements in (api, worker)] == ["1", "1"]
    await engine.dispose()


@pytest.fixture
async def shelf(database_url: str) -> AsyncIterator[Table]:
    name = f"shelf_{secrets.token_hex(4)}"
    await execute(database_url, f"CREATE TABLE {name} (place int PRIMARY KEY, title text)")
    yield Table(name, MetaData(), Column("place", Integer), Column("title", Text))
    await execute(database_url, f"DROP TABLE {name}")


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_one_statement_writes_any_number_of_rows(
    engine: AsyncEngine, shelf: Table, database_url: str, count: int
) -> None:
    given = TableParameter("book", {"place": Integer(), "title": Text()})
    put = CompiledStatement(
        insert(shelf).from_select(["place", "title"], select(given.table)).returning(shelf.c.place)
    )
    rows = [(place, f"Volume {place}" if place else None) for place in range(count)]
    written = await Statements(engine).fetch_all(put, **given.bind(rows))
    assert [row["place"] for row in written] == [place for place, _ in rows]
    # Somebody else sees them at once: nothing is left to commit.
    found = await execute(database_url, f"SELECT FROM {shelf.name} WHERE title LIKE 'Volume%'")
    assert found == f"SELECT {max(0, count - 1)}"
