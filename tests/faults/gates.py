"""Stops a server at a chosen statement: PostgreSQL lets a trigger wait for a lock that we hold.

So a process can be killed at any step of its work, without a hook in it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from sqlalchemy.engine import make_url

_LOCK = 4711


@dataclass(frozen=True)
class Gate:
    connection: asyncpg.Connection

    async def wait_until_reached(self) -> None:
        query = (
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()"
        )
        async with asyncio.timeout(60):
            while not await self.connection.fetchval(query):
                await asyncio.sleep(0.01)


async def connect(url: str) -> asyncpg.Connection:
    plain = make_url(url).set(drivername="postgresql")
    return await asyncpg.connect(plain.render_as_string(hide_password=False))


@asynccontextmanager
async def hold_at(url: str, event: str, table: str, condition: str) -> AsyncIterator[Gate]:
    """Until the context exits, whoever does `event` to such a row of `table` waits."""
    connection = await connect(url)
    try:
        await connection.execute(
            "CREATE FUNCTION wait_for_us() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN PERFORM pg_advisory_xact_lock({_LOCK}); RETURN NEW; END $$"
        )
        await connection.execute(f"SELECT pg_advisory_lock({_LOCK})")
        await connection.execute(
            f"CREATE TRIGGER gate BEFORE {event} ON {table} FOR EACH ROW"
            f" WHEN ({condition}) EXECUTE FUNCTION wait_for_us()"
        )
        yield Gate(connection)
    finally:
        await connection.execute(f"SELECT pg_advisory_unlock({_LOCK})")
        await connection.execute("DROP FUNCTION wait_for_us CASCADE")
        await connection.close()
