"""What the processes of a fleet hold: memory, file descriptors, threads, tasks, connections."""

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import httpx
import psutil

from tests.fleet.fleet import Fleet
from tests.fleet.parts import Part

_MEGABYTE = 2**20
# Allocators and caches breathe; a leak of ten minutes under this traffic is larger.
_MOST_GROWTH = {"memory": 40.0, "files": 25.0, "threads": 8.0, "tasks": 20.0, "children": 4.0}
_TASKS = "colloquy_event_loop_tasks"


@dataclass(frozen=True, slots=True)
class Sample:
    """`memory` in megabytes, of the process itself."""

    memory: float
    files: float
    threads: float
    tasks: float
    children: float


async def take(part: Part) -> Sample | None:
    """Measure a part; None when it does not run."""
    try:
        tasks = await count_tasks(part)
        process = psutil.Process(part.pid)
        return Sample(
            memory=process.memory_info().rss / _MEGABYTE,
            files=process.num_fds(),
            threads=process.num_threads(),
            tasks=tasks,
            children=len(process.children(recursive=True)),
        )
    except (psutil.Error, httpx.HTTPError, AssertionError):
        return None


async def count_tasks(part: Part) -> float:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        metrics = (await http.get(f"{part.url}/metrics")).text
    [value] = re.findall(rf"^{_TASKS} (.+)$", metrics, re.MULTILINE)
    return float(value)


def compare(samples: Sequence[Sample]) -> dict[str, tuple[float, float, float, bool]]:
    """Compare the medians of the first and last quarter: before, after, most, whether it is flat.

    Quarters, because one upload more or less at the moment of a sample says nothing.
    """
    quarter = max(1, len(samples) // 4)
    result = {}
    for name, growth in _MOST_GROWTH.items():
        values = [getattr(sample, name) for sample in samples]
        before, after = statistics.median(values[:quarter]), statistics.median(values[-quarter:])
        result[name] = (before, after, max(values), after - before <= growth)
    return result


async def count_connections(fleet: Fleet) -> int:
    """Count what the fleet holds open at PostgreSQL, this one left out."""
    connection = await asyncpg.connect(fleet.database_url)
    try:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'colloquy'"
        return int(await connection.fetchval(query))
    finally:
        await connection.close()
