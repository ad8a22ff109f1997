import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count

import pytest
from sqlalchemy import make_url, text

from src.config import DatabaseSettings, Settings
from src.database import DatabaseUnavailableError, create_engine, create_sessions
from tests.fixtures.servers import listen

_SSL_REQUEST = 80877103


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speak as PostgreSQL does while it recovers after a crash (protocol 3.0, ErrorResponse)."""
    while True:
        length, code = struct.unpack("!ii", await reader.readexactly(8))
        await reader.readexactly(length - 8)
        if code != _SSL_REQUEST:
            break
        writer.write(b"N")
    fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
    writer.write(b"E" + struct.pack("!i", len(fields) + 4) + fields)
    await writer.drain()


async def test_a_database_that_is_starting_up_is_away_and_no_error_of_ours() -> None:
    async with listen(refuse) as port:
        engine = create_engine(f"postgresql://u:p@127.0.0.1:{port}/db", DatabaseSettings())
        with pytest.raises(DatabaseUnavailableError):
            async with engine.connect():
                pass
        await engine.dispose()


CRASH = {
    "closed": b"",
    "shut-down": b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0",
    "crashed": b"SFATAL\0VFATAL\0C57P02\0Mterminating connection\0\0",
}


@asynccontextmanager
async def run_cutting_proxy(url: str, messages: int, last_words: bytes) -> AsyncIterator[str]:
    """Pass so many messages of the server on, in all its connections, and end each after them."""
    parsed = make_url(url)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = messages
        with suppress(EOFError, OSError):
            while left:
                head = await reader.readexactly(5)
                body = await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)
                writer.write(head + body)
                left -= 1
            if last_words:
                writer.write(b"E" + struct.pack("!i", len(last_words) + 4) + last_words)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        socket = f"{parsed.query['host']}/.s.PGSQL.{parsed.query.get('port', 5432)}"
        upstream, sink = await asyncio.open_unix_connection(socket)
        answering = asyncio.create_task(pass_on(upstream, writer))
        with suppress(OSError):
            while data := await reader.read(65_536):
                sink.write(data)
        sink.close()
        await answering

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        here = parsed.set(host="127.0.0.1", port=port, query={"ssl": "disable"})
        yield here.render_as_string(hide_password=False)


@pytest.mark.parametrize("last_words", CRASH.values(), ids=CRASH.keys())
async def test_however_far_a_connection_came_its_end_is_one_error(
    database_url: str, last_words: bytes
) -> None:
    """From the first message of the login to the last of a commit."""
    for messages in count():
        async with run_cutting_proxy(database_url, messages, last_words) as url:
            engine = create_engine(url, DatabaseSettings())
            try:
                async with create_sessions(engine).begin() as session:
                    await session.execute(text("SELECT count(*) FROM pg_class"))
            except DatabaseUnavailableError:
                continue
            finally:
                await engine.dispose()
        assert messages > 20
        return


async def test_a_cancelled_statement_is_cancelled_and_no_outage(database_url: str) -> None:
    engine = create_engine(database_url, DatabaseSettings())
    async with engine.connect() as connection:
        locking = text("SELECT pg_advisory_lock(4711)")
        await connection.execute(locking)

        async def wait() -> None:
            async with engine.connect() as other:
                await other.execute(locking)

        waiting = asyncio.create_task(wait())
        async with asyncio.timeout(60):
            blocked = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND objid = 4711")
            while not await connection.scalar(blocked):
                await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await engine.dispose()


async def test_a_connection_that_comes_back_after_the_end_is_closed(settings: Settings) -> None:
    assert settings.database.url is not None
    engine = create_engine(settings.database.url.get_secret_value(), settings.database)
    async with engine.connect() as connection:
        lent = (await connection.get_raw_connection()).driver_connection
        await engine.dispose()
    assert lent is not None
    assert lent.is_closed()
