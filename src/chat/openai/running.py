"""An answer on its way to one client: generated at the model's pace, read at the client's."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import structlog

from src.chat.meter import TokenMeter
from src.exceptions import AppError
from src.llm.schemas import ChatChunk

log = structlog.get_logger(__name__)


class RunningAnswer:
    """A slow client must not hold the model's place: what it did not read yet waits here.

    That is not much, because the length of an answer is limited. Whoever starts one stops it.
    """

    def __init__(
        self,
        chunks: AsyncGenerator[ChatChunk, None],
        settle: Callable[[TokenMeter], Awaitable[None]],
    ) -> None:
        self._settle = settle
        self._is_settling = False
        self._items: asyncio.Queue[ChatChunk | AppError] = asyncio.Queue()
        self._has_begun = asyncio.Event()
        self._task = asyncio.create_task(self._run(chunks))

    async def wait_for_beginning(self, seconds: float) -> None:
        """Wait a while for the first piece, and raise what went wrong instead of it."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._has_begun.wait(), seconds)
        if not self._items.empty():
            first = self._items.get_nowait()
            if isinstance(first, AppError):
                raise first
            self._first = first

    async def next(self) -> ChatChunk:
        """Return the next piece; the last one has `is_done`. Raises `AppError`."""
        first, self._first = self._first, None
        item = first or await self._items.get()
        if isinstance(item, AppError):
            raise item
        return item

    async def stop(self) -> None:
        """Stop the model, if it is still at it; the place is free when this returns."""
        if not self._is_settling:
            self._task.cancel()
        await asyncio.wait([self._task])

    _first: ChatChunk | None = None

    async def _run(self, chunks: AsyncGenerator[ChatChunk, None]) -> None:
        try:
            await self._read(chunks)
        except asyncio.CancelledError:
            # Stopped by its user elsewhere: whoever still reads it learns that this was all.
            self._put(ChatChunk(is_done=True, done_reason="stop"))
        except AppError as error:
            self._put(error)
        except Exception:  # the outermost edge of the task: no reader may wait for ever
            log.exception("answer failed")
            self._put(AppError())

    async def _read(self, chunks: AsyncGenerator[ChatChunk, None]) -> None:
        """Settle what it took however it ends, and before the client is told of the end."""
        meter = TokenMeter()
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    meter.take(chunk)
                    if not chunk.is_done:
                        self._put(chunk)
        finally:
            self._is_settling = True
            await self._settle(meter)
        if meter.last is not None:
            self._put(meter.last)

    def _put(self, item: ChatChunk | AppError) -> None:
        self._items.put_nowait(item)
        self._has_begun.set()
