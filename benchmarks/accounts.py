"""What a flood of logins does to a stream, and what the time of a login tells about an account.

The server and the flood are processes of their own, so that what is measured is the server.
"""

import asyncio
import os
import random
import secrets
import socket
import statistics
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import httpx
import psutil
import uvicorn

from benchmarks.colloquy import log_in, upload
from src.llm.offline.app import create_offline_app

_TOKEN_SECONDS = 0.02
_FLOOD = 200
_TIMED = 100
_LIMITS = ("LOGIN_FAILURES_PER_ACCOUNT", "LOGIN_FAILURES_PER_ADDRESS", "REGISTRATIONS_PER_ADDRESS")
_WORDS = " and ".join(f"lamp {number} of the lighthouse" for number in range(50))
_TEXT = f"# Lamps\n\nThe keeper of the lamps lights {_WORDS} in the evening.\n"


async def main() -> None:
    if len(sys.argv) > 1:
        await flood(sys.argv[1])
        return
    async with run_server() as (api_url, process), log_in(api_url) as http:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "lamps.md"
            path.write_text(_TEXT)
            await upload(http, [path])
        await show_flood(http, process)
        await show_times(http)


async def show_flood(http: httpx.AsyncClient, process: psutil.Process) -> None:
    await measure_gaps(http)
    resting = process.memory_info().rss
    quiet = await measure_gaps(http)
    flooding = asyncio.create_task(run_flood(str(http.base_url)))
    memory = asyncio.create_task(watch_memory(process, flooding))
    flooded = await measure_gaps(http)
    print(f"Gaps between the tokens of one stream, ms ({_TOKEN_SECONDS * 1000:.0f} by the model)")
    print_distributions([("quiet", quiet), ("flooded", flooded)])
    answers = await flooding
    grown = (await memory - resting) / 2**20
    print(f"{_FLOOD} logins at once: {answers}; memory grew by {grown:.0f} MiB at most\n")


async def show_times(http: httpx.AsyncClient) -> None:
    known = (await http.get("/auth/me")).json()["username"]
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    order = ["known", "unknown"] * _TIMED
    random.shuffle(order)
    for kind in order:
        name = known if kind == "known" else f"bench-{secrets.token_hex(4)}"
        started_at = perf_counter()
        await try_login(http, name, "a wrong guess 1")
        times[kind].append((perf_counter() - started_at) * 1000)
    print("A login with a wrong password, ms")
    print_distributions(list(times.items()))
    print(f"a known name takes longer than an unknown one in {compare(**times):.0%} of all pairs")


async def measure_gaps(http: httpx.AsyncClient) -> list[float]:
    """Stream one long answer; return the milliseconds between its events."""
    request = {"query": "Which lamps does the keeper of the lighthouse light in the evening?"}
    gaps: list[float] = []
    before = None
    async with http.stream("POST", "/chat/query/stream", json=request) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if line == "event: answer.delta":
                now = perf_counter()
                if before is not None:
                    gaps.append((now - before) * 1000)
                before = now
    return gaps


async def run_flood(api_url: str) -> str:
    """Run `flood` beside us, and out of our way: attackers bring machines of their own."""
    process = await asyncio.create_subprocess_exec(
        *("nice", sys.executable, "-m", "benchmarks.accounts", api_url), stdout=PIPE
    )
    output, _ = await process.communicate()
    return output.decode().strip()


async def flood(api_url: str) -> None:
    names = [f"bench-{secrets.token_hex(4)}" for _ in range(_FLOOD)]
    limits = httpx.Limits(max_connections=_FLOOD)
    async with httpx.AsyncClient(
        base_url=api_url, trust_env=False, timeout=120, limits=limits
    ) as http:
        statuses = await asyncio.gather(*(try_login(http, name, "a guess 1") for name in names))
    print(", ".join(f"{statuses.count(status)} x {status}" for status in sorted(set(statuses))))


async def try_login(http: httpx.AsyncClient, username: str, password: str) -> int:
    form = {"username": username, "password": password}
    return (await http.post("/auth/token", data=form)).status_code


async def watch_memory(process: psutil.Process, until: asyncio.Task[str]) -> int:
    most: int = 0
    while not until.done():
        most = max(most, process.memory_info().rss)
        await asyncio.sleep(0.01)
    return most


def compare(known: Sequence[float], unknown: Sequence[float]) -> float:
    """How often one of the first is larger than one of the second: 50 % tells nothing."""
    return sum(a > b for a in known for b in unknown) / (len(known) * len(unknown))


def print_distributions(rows: Sequence[tuple[str, Sequence[float]]]) -> None:
    print(f"{'':8} {'n':>5} {'p10':>7} {'p50':>7} {'p90':>7} {'p99':>7} {'max':>7}")
    for name, values in rows:
        cuts = statistics.quantiles(values, n=100)
        shown = (cuts[9], cuts[49], cuts[89], cuts[98], max(values))
        print(f"{name:8} {len(values):5}", *(f"{value:7.1f}" for value in shown))


@asynccontextmanager
async def run_server() -> AsyncIterator[tuple[str, psutil.Process]]:
    """Run `colloquy serve` before a model that takes its time; limits would only hide the work."""
    limits = {f"RATE_LIMIT_{name}": "1000000" for name in _LIMITS}
    async with run_models() as models_url:
        with tempfile.TemporaryDirectory(prefix="colloquy-") as folder:
            port = find_free_port()
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "src.cli", "serve"),
                cwd=Path(__file__).parents[1],
                env=os.environ
                | limits
                | {
                    "DATA_DIR": f"{folder}/data",
                    "PORT": str(port),
                    "OLLAMA_URL": models_url,
                    "OLLAMA_CHAT_MODEL": "offline-chat",
                    "OLLAMA_EMBED_MODEL": "offline-embed",
                    "LOG_LEVEL": "ERROR",
                },
                stdout=DEVNULL,
            )
            try:
                await wait_until_live(f"http://127.0.0.1:{port}/health/live")
                yield f"http://127.0.0.1:{port}/api/v1", psutil.Process(process.pid)
            finally:
                process.terminate()
                await process.wait()


@asynccontextmanager
async def run_models() -> AsyncIterator[str]:
    app = create_offline_app(token_delay_seconds=_TOKEN_SECONDS)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)  # uvicorn sets no event
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def wait_until_live(url: str) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as http:
        while True:
            try:
                (await http.get(url)).raise_for_status()
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return


if __name__ == "__main__":
    asyncio.run(main())
