"""How long a connection to the model server is kept for the next request."""

import asyncio
import contextlib

from src.config import OllamaSettings
from src.llm.client import OllamaClient, create_http_client
from tests.fixtures.servers import listen

_BODY = b'{"version": "0.33.0"}'
_REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


async def test_an_idle_connection_is_not_used_again() -> None:
    """We give it up before a server does, which closes it after five seconds or more."""
    opened = 0
    given_up = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(_REPLY % (len(_BODY), _BODY))
        given_up.set()

    settings = OllamaSettings()
    async with (
        listen(answer) as port,
        create_http_client(settings, f"http://127.0.0.1:{port}") as http,
    ):
        client = OllamaClient(http, settings)
        await client.get_version()
        await client.get_version()
        assert opened == 1
        await asyncio.wait_for(given_up.wait(), 60)
        await client.get_version()
        assert opened == 2
