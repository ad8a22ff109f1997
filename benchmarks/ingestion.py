"""How fast documents become searchable, from the upload to `ready`.

While it runs, `/health/live` is asked every 20 ms from another process: what an upload does to
everybody else.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from uuid import uuid4

import httpx

from benchmarks.colloquy import log_in, run_colloquy, upload

_PROBE = """
import sys, time, urllib.request
while True:
    began = time.perf_counter()
    urllib.request.urlopen(sys.argv[1], timeout=30).read()
    print(time.perf_counter() - began, flush=True)
    time.sleep(0.02)
"""
_IDLE_SECONDS = 3.0
_WORDS = [
    "river",
    "valley",
    "harbour",
    "winter",
    "engine",
    "market",
    "letter",
    "garden",
    "window",
    "mountain",
]


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="colloquy-bench-") as folder:
        async with run_colloquy() as api_url, log_in(api_url) as http:
            await upload(http, make_files(Path(folder), 1, 1_000))  # Warms everything up.
            idle = await probe(api_url, asyncio.sleep(_IDLE_SECONDS))
            print(f"{'':22}{'chunks':>8}{'seconds':>9}{'chunks/s':>10}{'p99 / idle p99':>16}")
            for name, count, size_bytes in (
                ("one text of 1.5 MB", 1, 1_500_000),
                ("one text of 6 MB", 1, 6_000_000),
                ("500 small files", 500, 2_000),
            ):
                paths = make_files(Path(folder), count, size_bytes)
                await report(http, api_url, name, paths, idle)


async def report(
    http: httpx.AsyncClient, api_url: str, name: str, paths: list[Path], idle: Sequence[float]
) -> None:
    before = await count_chunks(http)
    began = time.perf_counter()
    busy = await probe(api_url, upload_in_parts(http, paths))
    seconds = time.perf_counter() - began
    chunks = await count_chunks(http) - before
    ratio = find_p99(busy) / find_p99(idle)
    print(f"{name:22}{chunks:8}{seconds:9.1f}{chunks / seconds:10.0f}{ratio:16.1f}")


async def upload_in_parts(http: httpx.AsyncClient, paths: list[Path]) -> None:
    for start in range(0, len(paths), 100):
        await upload(http, paths[start : start + 100])


async def count_chunks(http: httpx.AsyncClient) -> int:
    total, cursor = 0, None
    while True:
        params = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = (await http.get("/documents", params=params)).json()
        total += sum(int(document["chunks_done"]) for document in page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            return total


async def probe(api_url: str, work: Awaitable[None]) -> list[float]:
    """Return how long `/health/live` took, again and again, while the work was done."""
    url = api_url.replace("/api/v1", "/health/live")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PROBE, url), stdout=asyncio.subprocess.PIPE
    )
    await work
    process.kill()
    output, _ = await process.communicate()
    return [float(line) for line in output.split()]


def find_p99(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


def make_files(folder: Path, count: int, size_bytes: int) -> list[Path]:
    paths = [folder / f"{uuid4().hex}.txt" for _ in range(count)]
    for path in paths:
        lines = [
            f"{path.stem} {n}: the {_WORDS[n % 10]} near the {_WORDS[n * 7 % 10]} of day {n}."
            for n in range(size_bytes // 80)
        ]
        path.write_text("\n\n".join(lines))
    return paths


if __name__ == "__main__":
    asyncio.run(main())
