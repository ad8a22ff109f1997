"""How much Colloquy adds to a stream of tokens, beside a bare relay of the same stream.

`python -m benchmarks.streams [STREAMS ...] [--tokens N] [--rounds N]`. The model server, the relay,
Colloquy and PostgreSQL are processes of their own; CPU is theirs, as the system counts it. Each
number of streams is tried once to warm both servers, then in rounds, one server after the other.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from time import perf_counter

import asyncpg
import httpx
import psutil

from benchmarks.colloquy import UNLIMITED_ENVIRONMENT, log_in
from benchmarks.upstream import word
from src.embedded import run_postgres
from tests.fixtures.processes import ROOT, find_free_port

_DELAY_MS = 5
_ROUNDS = 7
_LEAST_TOKENS = 1000
_WORD = re.compile(rb'"(?:content|text)": ?"((?: word\d+)+)"')


@dataclass(frozen=True)
class Stream:
    first_ms: float
    words: int


@dataclass(frozen=True)
class Result:
    """`cpu_ms` are per 1,000 tokens, of the server; the database's come extra."""

    cpu_ms: float
    database_cpu_ms: float
    first_ms: float
    slowest_first_ms: float
    seconds: float
    megabytes: float
    connections: int
    busy: int


@dataclass
class Target:
    process: psutil.Process
    url: httpx.URL
    head: bytes
    database: "Database | None" = None
    resting_bytes: int = 0


class Database:
    def __init__(self, connection: asyncpg.Connection, postmaster: psutil.Process) -> None:
        self._connection = connection
        self._postmaster = postmaster

    def count_cpu(self) -> float:
        processes = self._postmaster.children(recursive=True)
        return sum(map(_count_cpu, processes))

    async def count_connections(self) -> tuple[int, int]:
        row = await self._connection.fetchrow(
            "SELECT count(*) AS open, count(*) FILTER (WHERE state <> 'idle') AS busy"
            " FROM pg_stat_activity WHERE application_name = 'colloquy'"
        )
        assert row is not None
        return row["open"], row["busy"]


def _count_cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _read_stream(target: Target, body: bytes) -> Stream:
    """Ask over a bare socket; a client library would take more than the server does."""
    assert target.url.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", target.url.port, limit=2**20)
    started_at = perf_counter()
    writer.write(target.head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    received = bytearray()
    first_at = 0.0
    while data := await reader.read(65536):
        received += data
        if not first_at and b" word0" in received:
            first_at = perf_counter()
        if received.endswith(b"0\r\n\r\n"):
            break
    writer.close()
    text = re.sub(rb"\r\n[0-9a-f]+\r\n", b"", bytes(received))
    words = b"".join(_WORD.findall(text.partition(b"message.completed")[0])).split()
    expected = [word(index).strip().encode() for index in range(len(words))]
    assert words == expected, received[:1000]
    assert words, f"no tokens: {received[-1000:].decode()}"
    return Stream((first_at - started_at) * 1000, len(words))


async def _measure(target: Target, streams: int, tokens: int) -> Result:
    body = json.dumps({"query": "What do the notes say about words?"}).encode()
    cpu, database_cpu = _count_cpu(target.process), _get_database_cpu(target)
    started_at = perf_counter()
    watching = asyncio.create_task(_watch(target))
    results: list[Stream] = []
    # The system counts CPU in steps of 10 ms: of little there is more.
    for _ in range(max(1, _LEAST_TOKENS // (streams * tokens))):
        results += await asyncio.gather(*(_read_stream(target, body) for _ in range(streams)))
    seconds = perf_counter() - started_at
    watching.cancel()
    await asyncio.sleep(0.3)  # The last answers are being stored.
    peak, connections, busy = _watched
    counted = sum(result.words for result in results)
    lost = len(results) * tokens - counted
    assert lost == 0, f"{lost} tokens were lost"
    thousands = counted / 1000
    return Result(
        cpu_ms=(_count_cpu(target.process) - cpu) * 1000 / thousands,
        database_cpu_ms=(_get_database_cpu(target) - database_cpu) * 1000 / thousands,
        first_ms=statistics.median(result.first_ms for result in results) - _DELAY_MS,
        slowest_first_ms=max(result.first_ms for result in results) - _DELAY_MS,
        seconds=seconds,
        megabytes=(peak - target.resting_bytes) / 2**20,
        connections=connections,
        busy=busy,
    )


_watched = [0, 0, 0]


async def _watch(target: Target) -> None:
    """Keep the highest memory and numbers of connections."""
    _watched[:] = [0, 0, 0]
    while True:
        counts = await target.database.count_connections() if target.database else (0, 0)
        found = (target.process.memory_info().rss, *counts)
        _watched[:] = map(max, _watched, found)
        await asyncio.sleep(0.05)


def _get_database_cpu(target: Target) -> float:
    return target.database.count_cpu() if target.database else 0.0


@asynccontextmanager
async def _run(*command: str, url: str, **environment: str) -> AsyncIterator[psutil.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command), cwd=ROOT, env=os.environ | environment
    )
    try:
        await _wait_for(url, lambda: process.returncode)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


async def _wait_for(url: str, has_ended: Callable[[], int | None]) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        while True:
            assert has_ended() is None, "a server did not start"
            try:
                await http.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return


async def _start_relay(stack: AsyncExitStack, upstream_url: str) -> Target:
    port = find_free_port()
    url = httpx.URL(f"http://127.0.0.1:{port}/relay")
    command = ("-m", "benchmarks.relay", str(port), upstream_url)
    process = await stack.enter_async_context(_run(*command, url=str(url)))
    return Target(process, url, _make_head("/relay"))


async def _start_colloquy(stack: AsyncExitStack, upstream_url: str, folder: Path) -> Target:
    port = find_free_port()
    database_url = await stack.enter_async_context(run_postgres(folder))
    plain_url = database_url.replace("+asyncpg", "")
    connection = await asyncpg.connect(plain_url)
    stack.push_async_callback(connection.close)
    backend = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
    postmaster = backend.parent()
    assert postmaster is not None
    process = await stack.enter_async_context(
        _run(
            *("-m", "src.cli", "serve"),
            url=f"http://127.0.0.1:{port}/health/live",
            PORT=str(port),
            DATA_DIR=str(folder / "data"),
            DATABASE_URL=database_url,
            OLLAMA_URL=upstream_url,
            OLLAMA_CHAT_MODEL="bench",
            OLLAMA_EMBED_MODEL="bench-embed",
            # Nobody waits for a turn: what is measured is the streams, not the queue.
            OLLAMA_CONCURRENCY="1000",
            **UNLIMITED_ENVIRONMENT,
            LOG_LEVEL="WARNING",
        )
    )
    api_url = f"http://127.0.0.1:{port}/api/v1"
    http = await stack.enter_async_context(log_in(api_url))
    files = {"files": ("notes.md", "Notes about words. " * 100)}
    (await http.post("/documents", files=files)).raise_for_status()
    while (await http.get("/documents")).json()["items"][0]["status"] != "ready":
        await asyncio.sleep(0.05)
    head = _make_head("/api/v1/chat/query/stream", http.headers["Authorization"])
    return Target(process, httpx.URL(api_url), head, Database(connection, postmaster))


def _make_head(path: str, authorization: str = "") -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Authorization: {authorization}",
    ]
    return "\r\n".join([*lines, ""]).encode()


def _print_row(name: str, streams: int, results: Sequence[Result]) -> None:
    middle = _take_medians(results)
    per_stream = middle.megabytes * 1024 / streams
    print(
        f"{streams:>7} {name:<9} {middle.cpu_ms:>8.1f} {middle.database_cpu_ms:>8.1f}"
        f" {middle.first_ms:>9.0f} {middle.slowest_first_ms:>9.0f} {middle.seconds:>7.2f}"
        f" {per_stream:>10.0f} {max(r.busy for r in results):>5}/{results[-1].connections}"
    )


def _take_medians(results: Sequence[Result]) -> Result:
    return Result(*map(statistics.median, zip(*map(astuple, results), strict=True)))


def _print_ratios(relay: Sequence[Result], colloquy: Sequence[Result]) -> None:
    """Compare the two servers round by round: what disturbs one most likely disturbs the other."""
    pairs = list(zip(relay, colloquy, strict=True))
    for name, ratios in (
        ("CPU", [c.cpu_ms / r.cpu_ms for r, c in pairs]),
        ("CPU and database's", [(c.cpu_ms + c.database_cpu_ms) / r.cpu_ms for r, c in pairs]),
        ("first token", [c.first_ms / r.first_ms for r, c in pairs]),
    ):
        middle = statistics.median(ratios)
        print(f"        {name:<19} {middle:>5.2f} times ({min(ratios):.2f} to {max(ratios):.2f})")


async def main(numbers: Sequence[int], tokens: int, rounds: int) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="colloquy-")))
        upstream_url = f"http://127.0.0.1:{find_free_port()}"
        command = ("-m", "benchmarks.upstream", upstream_url.rpartition(":")[2])
        await stack.enter_async_context(
            _run(*command, str(tokens), str(_DELAY_MS), url=f"{upstream_url}/api/version")
        )
        targets = {
            "relay": await _start_relay(stack, upstream_url),
            "colloquy": await _start_colloquy(stack, upstream_url, folder),
        }
        print(f"{tokens} tokens per answer, {_DELAY_MS} ms apart. CPU: ms per 1,000 tokens.")
        print(f"Medians of {rounds} rounds; ratios of each round, with their range.")
        print(
            "streams server         CPU  PG CPU first (ms)   slowest seconds KiB/stream busy/open"
        )
        for target in targets.values():
            await _measure(target, 1, tokens)
            target.resting_bytes = target.process.memory_info().rss
        for streams in numbers:
            for target in targets.values():
                await _measure(target, streams, tokens)  # Warm.
            measured: dict[str, list[Result]] = {name: [] for name in targets}
            for _ in range(rounds):
                for name, target in targets.items():
                    measured[name].append(await _measure(target, streams, tokens))
            for name, results in measured.items():
                _print_row(name, streams, results)
            _print_ratios(measured["relay"], measured["colloquy"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("streams", nargs="*", type=int, default=[1, 50, 200, 500])
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.streams, arguments.tokens, arguments.rounds))
