"""How long one question waits behind another user's burst: `make bench-fairness`.

Both users ask a Colloquy of their own kind through `/v1`: one admits questions in turns, as it
does; the other sends all of them on at once, so that the model server serves whoever came first.
The model server works on one question at a time, as Ollama does unless it is told otherwise.
"""

import asyncio
import json
import statistics
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from benchmarks.colloquy import log_in
from src.config import LogSettings, OllamaSettings, RateLimitSettings, Settings
from src.embedded.services import run_missing_services
from src.logs import configure_logging
from src.main import create_app

_BURST = 50
_ANSWER_SECONDS = 0.2
_ROUNDS = 3
_MODEL = {"name": "slow:latest", "digest": "0"}
_HEAD_START_SECONDS = 1.5
_NO_ADMISSION = 10_000


def create_slow_ollama() -> Starlette:
    """Build a model server that takes its time, one question after the other."""
    working = asyncio.Semaphore(1)

    async def answer() -> AsyncIterator[bytes]:
        async with working:
            await asyncio.sleep(_ANSWER_SECONDS)
        end = {"message": {"content": "Yes."}, "done": True, "done_reason": "stop"}
        yield json.dumps(end).encode() + b"\n"

    async def chat(_request: Request) -> Response:
        return StreamingResponse(answer())

    async def tags(_request: Request) -> Response:
        return JSONResponse({"models": [_MODEL]})

    async def show(_request: Request) -> Response:
        return JSONResponse({"capabilities": ["completion"]})

    return Starlette(
        routes=[
            Route("/api/tags", tags),
            Route("/api/show", show, methods=["POST"]),
            Route("/api/chat", chat, methods=["POST"]),
        ]
    )


@asynccontextmanager
async def run(app: Starlette) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)  # uvicorn sets no event
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def run_colloquy(ollama_url: str, concurrency: int) -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="colloquy-") as folder:
        ollama = OllamaSettings(url=ollama_url, chat_model="slow", concurrency=concurrency)
        settings = Settings(
            _env_file=None,
            data_dir=Path(folder) / "d",
            ollama=ollama,
            log=LogSettings(level="ERROR"),
            # The turns are measured, not the limits that a burst would meet before them.
            rate_limit=RateLimitSettings(model_requests_per_minute=10_000, streams_at_once=1000),
        )
        configure_logging(settings)
        async with (
            run_missing_services(settings) as services,
            run(create_app(services.settings)) as url,
        ):
            yield url


async def ask(http: httpx.AsyncClient, url: str) -> float:
    started_at = perf_counter()
    body = {"model": "slow", "messages": [{"role": "user", "content": "Is it so?"}]}
    (await http.post(f"{url}/v1/chat/completions", json=body)).raise_for_status()
    return perf_counter() - started_at


async def measure(url: str) -> tuple[list[float], list[float]]:
    """Return how long single questions took, and the bursts they met."""
    singles, bursts = [], []
    async with log_in(f"{url}/api/v1") as many, log_in(f"{url}/api/v1") as one:
        for _ in range(_ROUNDS):
            started_at = perf_counter()
            burst = [asyncio.create_task(ask(many, url)) for _ in range(_BURST)]
            await asyncio.sleep(_HEAD_START_SECONDS)
            singles.append(await ask(one, url))
            await asyncio.gather(*burst)
            bursts.append(perf_counter() - started_at)
    return singles, bursts


async def main() -> None:
    print(f"One question {_HEAD_START_SECONDS} s behind {_BURST} others, {_ANSWER_SECONDS} s each")
    print(f"{'':<24}{'wait, median':>14}{'in answers':>12}{'burst done':>12}")
    async with run(create_slow_ollama()) as ollama_url:
        for name, concurrency in {"first come, first served": _NO_ADMISSION, "in turns": 1}.items():
            async with run_colloquy(ollama_url, concurrency) as url:
                singles, bursts = await measure(url)
            wait, burst = statistics.median(singles), statistics.median(bursts)
            answers = wait / _ANSWER_SECONDS
            print(f"{name:<24}{wait:>12.2f} s{answers:>12.1f}{burst:>10.2f} s", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
