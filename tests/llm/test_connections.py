"""How long a connection to the model server is kept for the next request."""

import asyncio

from src.config import OllamaSettings
from src.llm.client import OllamaClient, create_http_client

# Servers close idle connections after some seconds, Ollama's proxies and uvicorn after five.
IDLE_SECONDS = 2.5

_BODY = b'{"version": "0.33.0"}'
_REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


async def test_an_idle_connection_is_not_used_again() -> None:
    opened = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(_REPLY % (len(_BODY), _BODY))
        except asyncio.IncompleteReadError:
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    settings = OllamaSettings()
    async with server, create_http_client(settings, f"http://127.0.0.1:{port}") as http:
        client = OllamaClient(http, settings)
        await client.get_version()
        await client.get_version()
        assert opened == 1
        await asyncio.sleep(IDLE_SECONDS)
        await client.get_version()
    assert opened == 2
