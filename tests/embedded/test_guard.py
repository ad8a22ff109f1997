import asyncio
import operator
import os
import signal
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from src.embedded import EmbeddedError
from src.embedded.data_dir import try_lock
from src.embedded.guard import keep_running, open_log, own_log, run_guarded
from tests.embedded.processes import has_group, is_running, read_line, run_python, wait_until

RUN_GUARDED = """
import asyncio, sys
from src.embedded.data_dir import try_lock
from src.embedded.guard import run_guarded

async def main():
    async with run_guarded(sys.argv[1:]) as process:
        print(process.pid)
        await process.wait()

asyncio.run(main())
"""


def write_when_told_to_stop(path: Path) -> list[str]:
    script = "trap 'echo stopped > $0; exit' TERM; echo ready > $0; while :; do sleep 0.05; done"
    return ["/bin/sh", "-c", script, str(path)]


@asynccontextmanager
async def run_stubborn(path: Path) -> AsyncIterator[Process]:
    """Run a command that does not stop when it is told to."""
    argv = ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"]
    with open_log(path) as log:
        async with run_guarded(argv, stdout=log, stop_seconds=0.2) as guard:
            await wait_until(holds(path, "ready\n"))
            yield guard


def holds(path: Path, text: str) -> Callable[[], bool]:
    return lambda: path.exists() and path.read_text() == text


async def test_command_is_told_to_stop_when_the_context_exits(tmp_path: Path) -> None:
    path = tmp_path / "state"
    async with run_guarded(write_when_told_to_stop(path), stop_seconds=60) as process:
        await wait_until(holds(path, "ready\n"))
    assert path.read_text() == "stopped\n"
    assert process.returncode == 0
    assert not has_group(process.pid)


async def test_guard_ends_with_the_code_of_its_command_and_leaves_nothing() -> None:
    async with run_guarded(["/bin/sh", "-c", "exit 7"]) as process:
        assert await process.wait() == 7
        assert not has_group(process.pid)


async def test_log_gets_both_streams_of_the_command_and_nothing_else(tmp_path: Path) -> None:
    with open_log(tmp_path / "log") as log:
        script = "echo out; echo problem >&2"
        async with run_guarded(["/bin/sh", "-c", script], stdout=log, stderr=log) as process:
            await process.wait()
    assert (tmp_path / "log").read_text() == "out\nproblem\n"


async def test_command_stops_when_this_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "state"
    async with run_python(RUN_GUARDED, *write_when_told_to_stop(path)) as parent:
        guard_pid = int(await read_line(parent))
        await wait_until(holds(path, "ready\n"))
        parent.kill()
    await wait_until(lambda: not has_group(guard_pid))
    assert path.read_text() == "stopped\n"


async def test_command_stops_although_its_guard_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "state"
    async with run_guarded(write_when_told_to_stop(path)) as process:
        await wait_until(holds(path, "ready\n"))
        # Its command may be ready before the guard has started the watcher.
        await wait_until(lambda: len(psutil.Process(process.pid).children()) == 2)
        process.kill()
        await process.wait()
        assert has_group(process.pid)
    await wait_until(holds(path, "stopped\n"))


async def test_guard_outlives_signals_meant_for_the_whole_service(tmp_path: Path) -> None:
    async with run_stubborn(tmp_path / "log") as process:
        os.killpg(process.pid, signal.SIGTERM)
        await asyncio.sleep(0.2)
        assert is_running(process.pid)


async def test_command_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    async with run_stubborn(tmp_path / "log") as process:
        pass
    assert process.returncode == -signal.SIGKILL
    await wait_until(lambda: not has_group(process.pid))


class Service:
    """Runs a command behind a guard, remembers each guard, and fails where it is told to."""

    def __init__(self, *argv: str, failing_starts: Collection[int] = ()) -> None:
        self.argv = argv
        self.failing_starts = failing_starts
        self.guards: list[Process] = []
        self.started_at: list[float] = []

    @asynccontextmanager
    async def start(self) -> AsyncIterator[Process]:
        self.started_at.append(time.monotonic())
        if len(self.started_at) in self.failing_starts:
            raise EmbeddedError("not today")
        async with run_guarded(self.argv) as process:
            self.guards.append(process)
            yield process

    async def wait_for_guards(self, count: int) -> None:
        await wait_until(lambda: len(self.guards) >= count)


async def test_service_that_ends_is_started_again_until_the_context_exits() -> None:
    service = Service("sleep", "60")
    async with keep_running("sleep", service.start):
        os.killpg(service.guards[0].pid, signal.SIGKILL)
        await service.wait_for_guards(2)
        os.killpg(service.guards[1].pid, signal.SIGKILL)
        await service.wait_for_guards(3)
    assert len(service.guards) == 3
    await wait_until(lambda: not any(has_group(guard.pid) for guard in service.guards))


async def test_service_that_ends_at_once_is_started_again_ever_more_slowly() -> None:
    service = Service("true")
    async with keep_running("true", service.start):
        await service.wait_for_guards(4)
    pauses = [later - earlier for earlier, later in pairwise(service.started_at)]
    assert all(map(operator.gt, pauses, (0.1, 0.2, 0.4)))


async def test_first_start_that_fails_is_raised() -> None:
    with pytest.raises(EmbeddedError, match="not today"):
        async with keep_running("sleep", Service("sleep", "60", failing_starts=[1]).start):
            pass


async def test_later_start_that_fails_is_tried_again() -> None:
    service = Service("sleep", "60", failing_starts=[2])
    async with keep_running("sleep", service.start):
        os.killpg(service.guards[0].pid, signal.SIGKILL)
        await service.wait_for_guards(2)
    assert len(service.started_at) == 3


async def test_log_of_an_earlier_run_is_waited_for(tmp_path: Path) -> None:
    with open_log(tmp_path / "log") as log:
        await own_log(log)
        earlier = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=log)
    with open_log(tmp_path / "log") as log:
        assert not try_lock(log)
        owning = asyncio.create_task(own_log(log))
        await asyncio.sleep(0.1)
        assert not owning.done()
        await earlier.communicate(b"")
        await owning


def test_large_log_is_emptied_and_a_small_one_kept(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 10_000_000)
    with open_log(path) as log:
        log.write(b"y")
    assert path.stat().st_size == 10_000_001
    with open_log(path):
        assert path.stat().st_size == 0
