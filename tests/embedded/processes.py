"""What these tests ask of processes that they did not start themselves."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

_PROJECT_DIR = Path(__file__).resolve().parents[2]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def has_group(leader: int) -> bool:
    """Tell whether anything is left of what a guard started."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


async def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for other processes; what is left of an orphan stays until init looks for it."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def run_python(source: str, *arguments: str | Path) -> AsyncIterator[Process]:
    """Run a program that imports the project, until the context exits or it is killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-c", source, *arguments), cwd=_PROJECT_DIR, stdout=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def read_line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return (await process.stdout.readline()).decode().strip()
