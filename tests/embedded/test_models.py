import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from src.embedded import EmbeddedError, find_ollama, run_offline_models
from tests.embedded.processes import is_running, run_python, wait_until
from tests.fixtures.servers import listen

STAND_IN = """
import http.server, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
print(f"listening on http://127.0.0.1:{server.server_port}")
print("a word on stderr", file=sys.stderr)
server.serve_forever()
"""
COMMAND = (sys.executable, "-u", "-c", STAND_IN)

RUN_MODELS = """
import asyncio, sys
from pathlib import Path
from src.embedded import run_offline_models

async def main():
    async with run_offline_models(Path(sys.argv[1]), command=sys.argv[2:]) as url:
        print(url)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@asynccontextmanager
async def answer(response: bytes) -> AsyncIterator[str]:
    """Serve the same bytes to every request."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        await writer.drain()

    async with listen(handle) as port:
        yield f"http://127.0.0.1:{port}"


def build_response(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def get_pid(url: str) -> int:
    async with httpx.AsyncClient(trust_env=False, timeout=100) as client:
        return int((await client.get(url)).text)


@pytest.mark.parametrize(
    ("response", "is_ollama"),
    [
        (build_response("200 OK", '{"version": "0.12.6"}'), True),
        (build_response("200 OK", '{"name": "something else"}'), False),
        (build_response("200 OK", '["version"]'), False),
        (build_response("200 OK", "<html>"), False),
        (build_response("404 Not Found", '{"version": "0.12.6"}'), False),
        (b"not HTTP at all\r\n\r\n", False),
    ],
)
async def test_only_ollama_is_taken_for_ollama(response: bytes, *, is_ollama: bool) -> None:
    async with answer(response) as url:
        assert await find_ollama(url, timeout_seconds=60) is is_ollama


async def test_silence_is_not_waited_for() -> None:
    arrived = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read()  # Until the client has had enough.

    async with listen(say_nothing) as port:
        timeout_seconds = 0.1
        while not arrived.is_set():  # On a busy machine it gives up before it is let in.
            assert not await find_ollama(f"http://127.0.0.1:{port}", timeout_seconds)
            timeout_seconds *= 2


async def test_closed_port_is_no_ollama() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # So that nobody else opens it.
        assert not await find_ollama(f"http://127.0.0.1:{closed.getsockname()[1]}")


async def test_offline_models_answer_until_the_context_exits(tmp_path: Path) -> None:
    async with run_offline_models(tmp_path / "log", command=COMMAND) as url:
        pid = await get_pid(url)
    assert not is_running(pid)
    assert "a word on stderr\n" in (tmp_path / "log").read_text()


async def test_offline_models_speak_like_ollama(tmp_path: Path) -> None:
    async with run_offline_models(tmp_path / "log") as url:
        assert await find_ollama(url, timeout_seconds=60)


async def test_offline_models_come_back_on_the_same_port(tmp_path: Path) -> None:
    async with run_offline_models(tmp_path / "log", command=COMMAND) as url:
        first_pid = await get_pid(url)
        os.kill(first_pid, signal.SIGKILL)
        log = tmp_path / "log"
        await wait_until(lambda: log.read_text().count("a word on stderr") == 2)
        assert await get_pid(url) != first_pid


async def test_offline_models_end_when_this_process_is_killed(tmp_path: Path) -> None:
    async with run_python(RUN_MODELS, tmp_path / "log", *COMMAND) as parent:
        assert parent.stdout is not None
        pid = await get_pid((await parent.stdout.readline()).decode().strip())
        parent.kill()
    await wait_until(lambda: not is_running(pid))


async def test_offline_models_that_end_at_once_name_their_log(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"ended with code 3; .*/log says why"):
        async with run_offline_models(
            tmp_path / "log", command=("/bin/sh", "-c", "echo no room >&2; exit 3", "models")
        ):
            pass
    assert (tmp_path / "log").read_text() == "no room\n"
