"""What everything around a query costs: two routes beside FastAPI and asyncpg alone.

`python -m benchmarks.api [--seconds N]`. The servers are processes of their own, measured in turns;
CPU is theirs and their database connections', as the system counts it.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import httpx
import psutil

from benchmarks.colloquy import UNLIMITED_ENVIRONMENT, log_in
from src.embedded import run_postgres
from src.llm.offline.app import create_offline_app
from tests.fixtures.processes import ROOT, find_free_port
from tests.fixtures.servers import run_server

_CLIENTS = 16
_CHATS = 20
_ROUNDS = 5
_PATHS = ("/auth/me", "/chat/sessions")


@dataclass(frozen=True)
class Server:
    process: psutil.Process
    port: int
    prefix: str = ""
    authorization: str = ""


@dataclass(frozen=True)
class Result:
    per_second: float
    cpu_us: float


class Client(asyncio.Protocol):
    """Sends one request again and again; a client library would take more than the server does."""

    def __init__(self, server: Server, path: str) -> None:
        self.answers = 0
        self.is_closing = False
        self._request = (
            f"GET {server.prefix}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: {server.authorization}\r\n\r\n"
        ).encode()
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < int(head.lower().split(b"content-length: ")[1].split()[0]):
            return
        assert head.startswith(b"HTTP/1.1 200"), self._received
        self._received = b""
        self.answers += 1
        if self.is_closing:
            self._transport.close()
        else:
            self._transport.write(self._request)


async def measure(server: Server, path: str, seconds: float) -> Result:
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: Client(server, path), "127.0.0.1", server.port))[1]
        for _ in range(_CLIENTS)
    ]
    await asyncio.sleep(seconds / 5)  # Warm.
    before, cpu, started_at = _count(clients), _count_cpu(server), perf_counter()
    await asyncio.sleep(seconds)
    answers, cpu = _count(clients) - before, _count_cpu(server) - cpu
    result = Result(answers / (perf_counter() - started_at), cpu / answers * 1e6)
    for client in clients:
        client.is_closing = True
    await asyncio.sleep(0.2)
    return result


def _count(clients: list[Client]) -> int:
    return sum(client.answers for client in clients)


def _count_cpu(server: Server) -> float:
    times = server.process.cpu_times()
    return float(times.user + times.system)


@asynccontextmanager
async def run(*command: str, url: str, **environment: str) -> AsyncIterator[psutil.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command),
        cwd=ROOT,
        env=os.environ | environment,
        stderr=asyncio.subprocess.DEVNULL,  # Lines are written, and read by nobody.
    )
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            while not await _answers(http, url):
                assert process.returncode is None, "a server did not start"
                await asyncio.sleep(0.05)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


async def _answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        await http.get(url)
    except httpx.TransportError:
        return False
    return True


async def start_colloquy(stack: AsyncExitStack, url: str, folder: Path) -> tuple[Server, str]:
    """Run it as in production, with its log and its metrics; also return who asks."""
    models = await stack.enter_async_context(run_server(create_offline_app()))
    port = find_free_port()
    process = await stack.enter_async_context(
        run(
            *("-m", "src.cli", "serve"),
            url=f"http://127.0.0.1:{port}/health/live",
            PORT=str(port),
            DATA_DIR=str(folder / "data"),
            DATABASE_URL=url,
            OLLAMA_URL=models.url,
            OLLAMA_CHAT_MODEL="offline-chat",
            OLLAMA_EMBED_MODEL="offline-embed",
            **UNLIMITED_ENVIRONMENT,
            LOG_FORMAT="json",
            AUTH_ACCESS_TOKEN_MINUTES="600",  # noqa: S106, a number
        )
    )
    http = await stack.enter_async_context(log_in(f"http://127.0.0.1:{port}/api/v1"))
    for number in range(_CHATS):
        (await http.post("/chat/sessions", json={"title": f"Chat {number}"})).raise_for_status()
    user_id = (await http.get("/auth/me")).json()["id"]
    return Server(process, port, "/api/v1", http.headers["Authorization"]), user_id


async def start_minimal(stack: AsyncExitStack, url: str, user_id: str) -> Server:
    port = find_free_port()
    process = await stack.enter_async_context(
        run(
            *("-m", "benchmarks.minimal", str(port), url, user_id),
            url=f"http://127.0.0.1:{port}/auth/me",
        )
    )
    return Server(process, port)


async def main(seconds: float) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="colloquy-")))
        database_url = await stack.enter_async_context(run_postgres(folder))
        plain_url = database_url.replace("+asyncpg", "")
        colloquy, user_id = await start_colloquy(stack, database_url, folder)
        minimal = await start_minimal(stack, plain_url, user_id)
        print(f"{_CLIENTS} connections, medians of {_ROUNDS} turns of {seconds:g} s each.")
        print("route            server    requests/s   CPU us/request")
        for path in _PATHS:
            rounds = [
                (await measure(minimal, path, seconds), await measure(colloquy, path, seconds))
                for _ in range(_ROUNDS)
            ]
            floor, ours = (
                Result(
                    statistics.median(result.per_second for result in results),
                    statistics.median(result.cpu_us for result in results),
                )
                for results in zip(*rounds, strict=True)
            )
            for name, result in (("minimal", floor), ("colloquy", ours)):
                print(f"{path:16} {name:9} {result.per_second:10.0f} {result.cpu_us:16.0f}")
            rate, cpu = ours.per_second / floor.per_second, floor.cpu_us / ours.cpu_us
            print(f"{path:16} {'ratio':9} {rate:10.2f} {cpu:16.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2)
    asyncio.run(main(parser.parse_args().seconds))
