"""One answer while it grows, for any number of readers that come and go."""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, NamedTuple

from src.chat.events import (
    AnswerDelta,
    Delta,
    MessageCompleted,
    MessageStarted,
    Queued,
    Sources,
    StreamError,
    StreamEvent,
    ThinkingDelta,
)
from src.chat.schemas import MessageRead
from src.exceptions import AppError
from src.schemas import Problem

# A cursor is a position: 0 after the start, 1 after the sources, then the characters of the text.
# The end is the largest integer of JavaScript, because it must be the same for every process,
# also for one that finds less of the text than a crashed one has sent.
BEFORE_START: Final = -1
STARTED: Final = 0
SOURCES: Final = 1
ENDED: Final = 2**53 - 1

# A client that was away is told in parts: no more than one of them waits in front of its socket.
_LONG_DELTA: Final = 16_384

_KINDS: Final[tuple[type[Delta], type[Delta]]] = (ThinkingDelta, AnswerDelta)


class Positioned(NamedTuple):
    """An event and the cursor that stands behind it."""

    cursor: int
    event: StreamEvent


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: type[Delta]
    text: str
    end: int


class LiveAnswer:
    """Written by the task that generates, followed by readers at their own pace.

    A reader that falls behind gets what it missed as one longer delta, so that a slow client
    costs no memory of its own.
    """

    def __init__(self, started: MessageStarted) -> None:
        self.started = started
        self.sources: Sources | None = None
        self._queued: Queued | None = None
        self._pieces: list[_Piece] = []
        self._runs: list[int] = []
        self._terminal: MessageCompleted | StreamError | None = None
        self._error = AppError()
        self._changed = asyncio.Event()

    @property
    def answer(self) -> str:
        return "".join(piece.text for piece in self._pieces if piece.kind is AnswerDelta)

    @property
    def thinking(self) -> str:
        return "".join(piece.text for piece in self._pieces if piece.kind is ThinkingDelta)

    @property
    def runs(self) -> list[int]:
        """The lengths of thinking, answer, thinking and so on, in the order they came."""
        return self._runs.copy()

    @property
    def length(self) -> int:
        """How many characters there are so far."""
        return self._end - SOURCES

    @property
    def is_over(self) -> bool:
        return self._terminal is not None

    @property
    def _end(self) -> int:
        return self._pieces[-1].end if self._pieces else SOURCES

    def add_sources(self, sources: Sources) -> None:
        self.sources = sources
        self._announce()

    def set_position(self, position: int) -> None:
        """Tell the place in the queue; the first text ends the waiting."""
        self._queued = Queued(position=position)
        self._announce()

    def add_thinking(self, text: str) -> None:
        self._add(ThinkingDelta, text)

    def add_answer(self, text: str) -> None:
        self._add(AnswerDelta, text)

    def catch_up(self, thinking: str, answer: str, runs: Sequence[int]) -> None:
        """Add what a stored answer has more than this one."""
        texts, starts, position = (thinking, answer), [0, 0], 0
        for index, length in enumerate(runs):
            side = index % 2
            position, start = position + length, starts[side]
            starts[side] += length
            new = min(position - self.length, length)
            if new > 0:
                self._add(_KINDS[side], texts[side][start + length - new : start + length])

    def complete(self, message: MessageRead) -> None:
        self._terminal = MessageCompleted(message=message)
        self._announce()

    def fail(self, error: AppError, request_id: str | None) -> None:
        self._error = error
        self._terminal = StreamError(problem=Problem.from_error(error, request_id))
        self._announce()

    def read(self, cursor: int) -> Iterator[Positioned]:
        """Yield what there is behind `cursor`, each event when it is asked for, in few of them."""
        if cursor < STARTED:
            yield Positioned(STARTED, self.started)
        if cursor < SOURCES and self.sources is not None:
            yield Positioned(SOURCES, self.sources)
        position = max(cursor, SOURCES)
        while position < self._end:
            delta = self._read_delta(position)
            position = delta.cursor
            yield delta
        if self._terminal is not None and cursor < ENDED:
            yield Positioned(ENDED, self._terminal)

    async def follow(self, cursor: int = BEFORE_START) -> AsyncGenerator[Positioned]:
        """Yield everything behind `cursor`, then what is to come, to the end."""
        queued: Queued | None = None
        sources: Sources | None = None
        while True:
            changed = self._changed
            sources, announced = self.sources, sources
            if sources is not None and announced is not None and sources is not announced:
                yield Positioned(cursor, sources)
            for positioned in self.read(cursor):
                cursor = positioned.cursor
                yield positioned
            if self._queued is not None and self._queued is not queued:
                queued = self._queued
                yield Positioned(cursor, queued)
            if cursor == ENDED:
                return
            await changed.wait()

    async def wait(self) -> MessageRead:
        """Wait for the end; raise the error when there is no whole answer."""
        while self._terminal is None:
            await self._changed.wait()
        if isinstance(self._terminal, MessageCompleted):
            return self._terminal.message
        raise self._error

    def _read_delta(self, position: int) -> Positioned:
        first = bisect_right(self._pieces, position, key=attrgetter("end"))
        kind, end, parts = self._pieces[first].kind, position, list[str]()
        for index in range(first, len(self._pieces)):
            piece = self._pieces[index]
            if piece.kind is not kind or end - position >= _LONG_DELTA:
                break
            parts.append(piece.text[end - piece.end :])
            end = piece.end
        return Positioned(end, kind(text="".join(parts)))

    def _add(self, kind: type[Delta], text: str) -> None:
        if text:
            self._queued = None
            self._pieces.append(_Piece(kind, text, self._end + len(text)))
            self._extend_runs(_KINDS.index(kind), len(text))
            self._announce()

    def _extend_runs(self, side: int, length: int) -> None:
        while not self._runs or (len(self._runs) - 1) % 2 != side:
            self._runs.append(0)
        self._runs[-1] += length

    def _announce(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
