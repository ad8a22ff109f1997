"""Follows an answer by its stored row: it is over, or another process generates it."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Protocol
from uuid import UUID

from src.chat.events import MessageStarted, Sources, StreamError
from src.chat.exceptions import MessageNotFoundError
from src.chat.live import BEFORE_START, ENDED, LiveAnswer, Positioned
from src.chat.records import StoredAnswer, read_answer
from src.chat.schemas import MessageRead
from src.database import DatabaseUnavailableError, Sessions
from src.exceptions import AppError
from src.schemas import Problem


class Answer(Protocol):
    """What readers need of an answer, wherever it is generated."""

    def follow(self, cursor: int = BEFORE_START) -> AsyncGenerator[Positioned]: ...

    async def wait(self) -> MessageRead: ...


class FollowedAnswer:
    """Reads the row now and then, with no connection held in between."""

    def __init__(self, sessions: Sessions, message_id: UUID, interval_seconds: float) -> None:
        self._sessions = sessions
        self._message_id = message_id
        self._interval_seconds = interval_seconds

    async def follow(self, cursor: int = BEFORE_START) -> AsyncGenerator[Positioned]:
        try:
            async for copy in self._watch():
                for positioned in copy.read(cursor):
                    cursor = positioned.cursor
                    yield positioned
        except (
            AppError
        ) as exc:  # Of the first look alone, when a reader is already promised events.
            yield Positioned(ENDED, StreamError(problem=Problem.from_error(exc, None)))

    async def wait(self) -> MessageRead:
        copies = [copy async for copy in self._watch() if copy.is_over]
        return await copies[0].wait()

    async def _watch(self) -> AsyncGenerator[LiveAnswer]:
        """Yield one copy of the answer again and again, each time brought up to date.

        A database that is away only delays it.
        """
        copy: LiveAnswer | None = None
        while copy is None or not copy.is_over:
            try:
                stored = await read_answer(self._sessions, self._message_id)
                copy = copy or _start_copy(stored)
                _bring_up_to_date(copy, stored)
            except MessageNotFoundError as exc:
                if copy is None:
                    raise
                copy.fail(exc, None)
            except DatabaseUnavailableError:
                if copy is None:
                    raise
            yield copy
            if not copy.is_over:
                await asyncio.sleep(self._interval_seconds)


def _start_copy(stored: StoredAnswer) -> LiveAnswer:
    message = stored.message
    assert message.parent_id is not None  # noqa: S101, an answer has a question
    assert message.model is not None  # noqa: S101, and somebody who gives it
    return LiveAnswer(
        MessageStarted(
            session_id=message.session_id,
            user_message_id=message.parent_id,
            message_id=message.id,
            model=message.model,
        )
    )


def _bring_up_to_date(copy: LiveAnswer, stored: StoredAnswer) -> None:
    message = stored.message
    if stored.has_sources and _count_sources(copy) != len(message.sources):
        # As they were announced: before the first word nothing was cited or gone.
        announced = {"is_cited": False, "is_gone": False}
        sources = [source.model_copy(update=announced) for source in message.sources]
        copy.add_sources(Sources(sources=sources))
    copy.catch_up(message.thinking, message.content, stored.runs)
    if stored.problem is not None:
        copy.fail(_revive(stored.problem), stored.problem.request_id)
    elif message.status != "streaming":
        copy.complete(message)


def _count_sources(copy: LiveAnswer) -> int | None:
    return None if copy.sources is None else len(copy.sources.sources)


def _revive(problem: Problem) -> AppError:
    """Make the error again that a problem describes."""
    described = {"status": problem.status, "code": problem.code, "title": problem.title}
    error: AppError = type("RevivedError", (AppError,), described)(problem.detail)
    return error
