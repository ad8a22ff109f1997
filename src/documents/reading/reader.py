"""Reads files in processes of their own, because every file is hostile.

A process has a limit on its memory, none of our secrets, and is killed when it takes too long. It
takes one file after another; one that failed in any but a plain way is not trusted with the next.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from src.config import DocumentSettings
from src.documents.exceptions import (
    EmptyDocumentError,
    EncryptedDocumentError,
    ExtractionCrashedError,
    ExtractionError,
    ExtractionMemoryError,
    ExtractionTimedOutError,
    UnparsableDocumentError,
)
from src.documents.piped_process import PipedProcess
from src.documents.reading.chunking import ExtractedChunk
from src.documents.reading.limits import ReadingLimits
from src.documents.turns import Turns

_PROJECT_ROOT: Final = Path(__file__).parents[2]
_LENGTH_BYTES: Final = 4
# The process ends its work by itself at the deadline; this much later it is killed.
_GRACE_SECONDS: Final = 5.0
_MOST_FILES: Final = 100
# Reading keeps a core busy, so more at once would only wait for each other.
_MOST_PROCESSES: Final = max(2, os.cpu_count() or 1)
_OUT_OF_MEMORY_SIGNALS: Final = (-signal.SIGABRT, -signal.SIGKILL)
_PLAIN_ERRORS: Final = {
    error.__name__: error
    for error in (EmptyDocumentError, EncryptedDocumentError, UnparsableDocumentError)
}
_ERRORS: Final[dict[str, type[ExtractionError]]] = {
    **_PLAIN_ERRORS,
    ExtractionMemoryError.__name__: ExtractionMemoryError,
    ExtractionTimedOutError.__name__: ExtractionTimedOutError,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """`chunks` come in batches, straight from the process: no document is ever held whole."""

    chunk_count: int
    page_count: int | None
    language: str | None
    chunks: AsyncIterator[list[ExtractedChunk]]


@dataclass(slots=True)
class _Worker:
    process: PipedProcess
    files: int = field(default=0)

    @property
    def is_usable(self) -> bool:
        return self.process.returncode is None and self.files < _MOST_FILES


class DocumentReader:
    """Starts a process when one is needed and keeps it for the next files."""

    def __init__(
        self, settings: DocumentSettings, *, grace_seconds: float = _GRACE_SECONDS
    ) -> None:
        self._settings = settings
        self._grace_seconds = grace_seconds
        self._idle: list[_Worker] = []
        self._turns = Turns(_MOST_PROCESSES)

    @asynccontextmanager
    async def read(
        self, content: AsyncGenerator[bytes], size_bytes: int, mime_type: str, *, place: int = 0
    ) -> AsyncIterator[Reading]:
        """Raises an `ExtractionError` whose detail tells the owner of the file what is wrong.

        When many wait, those with a lower `place` in the line go first.
        """
        async with (
            self._turns.take(place),
            self._borrow() as worker,
            _map_process_errors(worker.process),
        ):
            head = await self._exchange(worker.process, content, size_bytes, mime_type)
            yield _describe(worker.process, head)

    @asynccontextmanager
    async def _borrow(self) -> AsyncIterator[_Worker]:
        worker = await self._take()
        try:
            yield worker
            self._give_back(worker)
        except ExtractionError as error:
            if type(error).__name__ in _PLAIN_ERRORS:
                self._give_back(worker)
            raise
        finally:
            if worker not in self._idle:
                await _kill(worker.process)

    async def close(self) -> None:
        while self._idle:
            await _kill(self._idle.pop().process)

    async def _exchange(
        self, process: PipedProcess, content: AsyncGenerator[bytes], size_bytes: int, mime_type: str
    ) -> dict[str, Any]:
        seconds = self._settings.extraction_timeout_seconds + self._grace_seconds
        async with asyncio.timeout(seconds) as deadline:
            body = json.dumps({"mime_type": mime_type, "size_bytes": size_bytes}).encode()
            start = len(body).to_bytes(_LENGTH_BYTES) + body
            async with aclosing(content):
                while (block := await _download(content, deadline)) is not None:
                    process.stdin.write(start + block)
                    await process.stdin.drain()
                    start = b""
            head: dict[str, Any] = await _read_frame(process)
        if "error" in head:
            raise _ERRORS.get(head["error"], ExtractionCrashedError)
        return head

    async def _take(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.is_usable:
                return worker
            await _kill(worker.process)
        return _Worker(await _start(self._settings))

    def _give_back(self, worker: _Worker) -> None:
        worker.files += 1
        if worker.is_usable:
            self._idle.append(worker)


def limit_reading(settings: DocumentSettings) -> ReadingLimits:
    return ReadingLimits(**{one.name: getattr(settings, one.name) for one in fields(ReadingLimits)})


async def _start(settings: DocumentSettings) -> PipedProcess:
    limits = json.dumps(asdict(limit_reading(settings)))
    return await PipedProcess.start(
        [sys.executable, "-m", "src.documents.reading.process", limits],
        cwd=_PROJECT_ROOT,
        env={name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ},
    )


def _describe(process: PipedProcess, head: dict[str, Any]) -> Reading:
    return Reading(
        chunk_count=head["chunk_count"],
        page_count=head["page_count"],
        language=head["language"],
        chunks=_read_chunks(process, head["chunk_count"]),
    )


async def _download(content: AsyncGenerator[bytes], deadline: asyncio.Timeout) -> bytes | None:
    """Wait for a block as long as the storage does, which has its own limits: the file pauses."""
    loop, when = asyncio.get_running_loop(), deadline.when()
    assert when is not None  # noqa: S101, it was set
    left = when - loop.time()
    deadline.reschedule(None)
    block = await anext(content, None)
    deadline.reschedule(loop.time() + left)
    return block


async def _read_chunks(process: PipedProcess, count: int) -> AsyncGenerator[list[ExtractedChunk]]:
    while count:
        batch = [ExtractedChunk(*values) for values in await _read_frame(process)]
        count -= len(batch)
        yield batch


async def _read_frame(process: PipedProcess) -> Any:  # noqa: ANN401, JSON of our own making
    length = int.from_bytes(await process.stdout.readexactly(_LENGTH_BYTES))
    return json.loads(await process.stdout.readexactly(length))


@asynccontextmanager
async def _map_process_errors(process: PipedProcess) -> AsyncIterator[None]:
    """A process that ends in the middle of a file says by its signal what went wrong."""
    try:
        yield
    except TimeoutError as error:
        raise ExtractionTimedOutError from error
    except (EOFError, ConnectionError) as error:
        if await process.wait() in _OUT_OF_MEMORY_SIGNALS:
            raise ExtractionMemoryError from error
        raise ExtractionCrashedError from error


async def _kill(process: PipedProcess) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.wait()
