"""Child processes that never outlive this one, and services that come back when they die."""

import asyncio
import os
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import IO, BinaryIO

import structlog

from src.embedded.data_dir import make_private_dir, open_private, try_lock
from src.embedded.exceptions import EmbeddedError

log: structlog.stdlib.BoundLogger = structlog.get_logger()

ServiceStart = Callable[[], AbstractAsyncContextManager[Process]]

# The kernel closes our end of the pipe however we die, so the watcher's `read` ends and it stops
# the command. When the command ends first, the guard takes the watcher with it. A signal meant for
# the whole service (systemd, `kill -- -group`) must not end the guard before the command. It is
# caught at first and ignored later, because what is ignored stays so in the command.
_GUARD = """
trap : HUP INT TERM
signals=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
command=$!
trap '' HUP INT TERM
{ read -r _; for signal in $signals; do kill -s "$signal" "$command"; done; } <&3 >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$command"
code=$?
kill -s KILL "$watcher" 2>/dev/null
wait "$watcher" 2>/dev/null
exit "$code"
"""

_LOCK_SECONDS = 30
_LOG_BYTES = 10_000_000
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0
_STABLE_SECONDS = 60


@asynccontextmanager
async def run_guarded(
    argv: Sequence[str | Path],
    *,
    stdout: IO[bytes] | None = None,
    stderr: IO[bytes] | None = None,
    stop_signals: Sequence[signal.Signals] = (signal.SIGTERM,),
    stop_seconds: float = 10,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> AsyncIterator[Process]:
    """Run `argv` until the context exits or this process dies, `kill -9` included.

    Yields the guard, which ends when `argv` does and with its code. The command runs in a session
    of its own, so that Ctrl-C reaches us first. The shell starts it with SIGINT ignored: SIGINT
    alone misses a program that has not installed its handler yet. What has not stopped after
    `stop_seconds` is killed.
    """
    names = " ".join(each.name.removeprefix("SIG") for each in stop_signals)
    guard = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", _GUARD, "guard", names, *argv),
        stdin=PIPE,
        stdout=stdout or DEVNULL,
        stderr=stderr or DEVNULL,
        start_new_session=True,
        cwd=cwd,
        env=env,
    )
    try:
        yield guard
    finally:
        await _stop(guard, stop_seconds)


@asynccontextmanager
async def keep_running(name: str, start: ServiceStart) -> AsyncIterator[None]:
    """Enter `start()`, and again whenever its process ends, until the context exits.

    `start()` returns once the service is ready. Raises EmbeddedError when the first start fails;
    later failures are logged and tried again.
    """
    is_up = asyncio.get_running_loop().create_future()
    keeper = asyncio.create_task(_restart_forever(name, start, is_up), name=f"keep {name} running")
    try:
        await is_up
        yield
    finally:
        keeper.cancel()
        await asyncio.wait([keeper])


def open_log(path: Path) -> BinaryIO:
    """Open a log to append to; one that has grown large begins anew."""
    make_private_dir(path.parent)
    file = open_private(path)
    if file.seek(0, os.SEEK_END) > _LOG_BYTES:
        file.truncate(0)
    return file


async def own_log(file: BinaryIO) -> None:
    """Wait until every process of an earlier run that has the same log has ended.

    They inherit an `flock` together with the file. Unlike a recorded pid, it cannot name a process
    that has nothing to do with us, and the kernel lets go of it with the last of them.
    """
    try:
        async with asyncio.timeout(_LOCK_SECONDS):
            while not try_lock(file):  # noqa: ASYNC110 -- the kernel sets no event
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        raise EmbeddedError(
            f"A process of an earlier run still writes to {file.name}: end it and start again."
        ) from error


async def _stop(guard: Process, seconds: float) -> None:
    if guard.stdin:
        guard.stdin.close()
    try:
        async with asyncio.timeout(seconds):
            await guard.wait()
    except TimeoutError:
        log.warning("process_killed", pid=guard.pid, stop_seconds=seconds)
        os.killpg(guard.pid, signal.SIGKILL)
        await guard.wait()


async def _restart_forever(name: str, start: ServiceStart, is_up: asyncio.Future[None]) -> None:
    pause = _FIRST_PAUSE_SECONDS
    while True:
        started_at = time.monotonic()
        try:
            async with start() as process:
                if not is_up.done():
                    is_up.set_result(None)
                code = await process.wait()
            log.warning("service_ended", service=name, code=code)
        except Exception as error:
            if not is_up.done():
                is_up.set_exception(error)
                return
            log.exception("service_failed", service=name)
        if time.monotonic() - started_at > _STABLE_SECONDS:
            pause = _FIRST_PAUSE_SECONDS
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
