import asyncio
import struct

import pytest

from src.config import DatabaseSettings
from src.database import DatabaseUnavailableError, create_engine

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
    writer.close()


async def test_a_database_that_is_starting_up_is_away_and_no_error_of_ours() -> None:
    async with await asyncio.start_server(refuse, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        engine = create_engine(f"postgresql://u:p@127.0.0.1:{port}/db", DatabaseSettings())
        with pytest.raises(DatabaseUnavailableError):
            async with engine.connect():
                pass
        await engine.dispose()
