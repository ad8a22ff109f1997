"""Writes the answers of this process while they grow and when they end, all of them together.

However many there are, storing how far they have come is one statement, and those that end at the
same time share a transaction.
"""

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

import structlog
from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from src.chat.exceptions import MessageNotFoundError
from src.chat.generation import Question
from src.chat.models import ChatSession, Message, MessageSource
from src.chat.records import AnswerEnd, AnswerText, unpack_rows
from src.chat.schemas import MessageErrorRead, MessageRead, SourceRead
from src.database import Base, DatabaseUnavailableError, Sessions
from src.llm.usage import Spent, UsageService

log = structlog.get_logger(__name__)

_RETRY_SECONDS: Final = 0.5


class Growing(Protocol):
    """An answer at work. `sources` are None as long as no passages were looked for."""

    @property
    def question(self) -> Question: ...
    @property
    def text(self) -> AnswerText: ...
    @property
    def sources(self) -> Sequence[SourceRead] | None: ...
    def stop(self) -> None:
        """End it: its user wants that, and said so in whatever process."""

    def drop(self) -> None:
        """End it: its chat was deleted."""


@dataclass(slots=True, eq=False)
class _Entry:
    answer: Growing
    has_stored_sources: bool = False
    has_ended: bool = False


@dataclass(slots=True, eq=False)
class _Ended:
    question: Question
    end: AnswerEnd
    stored: asyncio.Future[MessageRead]


_messages: Final = Base.metadata.tables[Message.__tablename__]
_sources: Final = Base.metadata.tables[MessageSource.__tablename__]

_TEXT: Final = [_messages.c[name] for name in ("content", "thinking", "runs", "source_count")]
_grown: Final = unpack_rows(_messages.c.id, *_TEXT)
_SAVE: Final = (
    update(_messages)
    .where(_messages.c.id == _grown.c.id)
    .values({c.name: _grown.c[c.name] for c in _TEXT} | {"heartbeat_at": func.now()})
    .returning(_messages.c.id, _messages.c.is_stop_requested)
)

_END: Final = [*_TEXT, *(_messages.c[name] for name in ("status", "usage", "problem"))]
_over: Final = unpack_rows(_messages.c.id, *_END)
_FINISH: Final = (
    update(_messages)
    .where(_messages.c.id == _over.c.id)
    .values({c.name: _over.c[c.name] for c in _END} | {"completed_at": func.now()})
    .returning(_messages.c.id, _messages.c.created_at, _messages.c.completed_at)
)

_found: Final = unpack_rows(*_sources.c)
_insert: Final = insert(_sources).from_select(
    _sources.c.keys(),
    # Of a chat that was deleted meanwhile nothing is kept.
    select(*_found.c).join(Message, Message.id == _found.c.message_id),
)
_ADD_SOURCES: Final = _insert.on_conflict_do_update(
    index_elements=[_sources.c.message_id, _sources.c.number],
    set_={"is_cited": _insert.excluded.is_cited},
)


class AnswerRecorder:
    """One per process; `run` is its work."""

    def __init__(self, sessions: Sessions, interval_seconds: float) -> None:
        self._sessions = sessions
        self._interval_seconds = interval_seconds
        self._open: dict[UUID, _Entry] = {}
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._ended: list[_Ended] = []
        self._has_ended = asyncio.Event()

    def add(self, answer: Growing) -> None:
        """Store from now on how far an answer has come, until it is finished."""
        self._open[answer.question.message_id] = _Entry(answer)
        self._is_idle.clear()

    @property
    def open_ids(self) -> Collection[UUID]:
        """The answers of this process whose end is not stored yet."""
        return self._open.keys()

    async def wait_until_stored(self, seconds: float) -> None:
        """Wait until no answer is open, but not for ever."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._is_idle.wait(), seconds)

    async def finish(self, question: Question, end: AnswerEnd) -> MessageRead:
        """Store how an answer ended, and wait for that, also while the database is away.

        Raises `MessageNotFoundError` when the chat was deleted meanwhile.
        """
        self._open[question.message_id].has_ended = True
        ended = _Ended(question, end, asyncio.get_running_loop().create_future())
        self._ended.append(ended)
        self._has_ended.set()
        try:
            return await ended.stored
        finally:
            self._close(question.message_id)

    async def run(self) -> None:
        """Store what there is, until cancelled: ends at once, the rest at intervals."""
        get_time = asyncio.get_running_loop().time
        due_at = get_time()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due_at):
                    await self._has_ended.wait()
                await self._finish()
            if get_time() >= due_at:
                await self._save()
                due_at = get_time() + self._interval_seconds

    def _close(self, message_id: UUID) -> None:
        del self._open[message_id]
        if not self._open:
            self._is_idle.set()

    async def _save(self) -> None:
        """Store how far the answers have come, which also tells that somebody is at them."""
        entries = {key: entry for key, entry in self._open.items() if not entry.has_ended}
        if not entries:
            return
        try:
            is_stop_requested = await self._write_texts(list(entries.values()))
        except DatabaseUnavailableError as exc:
            log.warning("growing answers not stored for now", code=exc.code)
            return
        except Exception:  # the next time will do, and ends are stored by themselves
            log.exception("growing answers not stored for now")
            return
        for message_id, entry in entries.items():
            if entry.has_ended:
                continue
            if message_id not in is_stop_requested:
                entry.answer.drop()
            elif is_stop_requested[message_id]:
                entry.answer.stop()

    async def _write_texts(self, entries: Sequence[_Entry]) -> dict[UUID, bool]:
        """Return the answers that are still there, and whether they shall stop."""
        new = [e for e in entries if not e.has_stored_sources and e.answer.sources is not None]
        rows = [_pack_text(e.answer.question, e.answer.text, e.answer.sources) for e in entries]
        async with self._sessions.begin() as session:
            stored = await session.execute(_SAVE, {"rows": rows})
            await _add_sources(session, [(e.answer.question, e.answer.sources) for e in new])
        for entry in new:
            entry.has_stored_sources = True
        return {row.id: row.is_stop_requested for row in stored}

    async def _finish(self) -> None:
        self._has_ended.clear()
        ended, self._ended = self._ended, []
        try:
            await self._finish_together(ended)
        except DatabaseUnavailableError:
            await self._try_again(ended)
        except Exception:  # one that cannot be stored must not take the others with it
            log.exception("answers are stored one by one")
            for one in ended:
                await self._finish_alone(one)

    async def _finish_alone(self, ended: _Ended) -> None:
        try:
            await self._finish_together([ended])
        except DatabaseUnavailableError:
            await self._try_again([ended])
        except Exception as exc:  # noqa: BLE001, told to whoever waits for it
            ended.stored.set_exception(exc)

    async def _try_again(self, ended: Sequence[_Ended]) -> None:
        log.warning("ends of answers not stored for now", count=len(ended))
        await asyncio.sleep(_RETRY_SECONDS)
        self._ended += ended
        self._has_ended.set()

    async def _finish_together(self, ended: Sequence[_Ended]) -> None:
        """Store some ends in one transaction.

        It locks in the order in which the deletion of an account or a chat does: accounts, chats,
        messages.
        """
        async with self._sessions.begin() as session:
            await UsageService(session).record_all(_count_usage(ended))
            await session.execute(
                update(ChatSession)
                .where(ChatSession.id.in_({one.question.session_id for one in ended}))
                .values(updated_at=func.now())
                .execution_options(synchronize_session=False)
            )
            rows = [_pack_end(one) for one in ended]
            stored = {row.id: row for row in await session.execute(_FINISH, {"rows": rows})}
            await _add_sources(session, [(one.question, one.end.sources) for one in ended])
        for one in ended:
            _tell(one, stored.get(one.question.message_id))


def _tell(ended: _Ended, row: Row[Any] | None) -> None:
    """Tell whoever waits for an end what was stored."""
    if row is None:
        ended.stored.set_exception(MessageNotFoundError())
    else:
        ended.stored.set_result(_describe(ended.question, ended.end, row))


def _count_usage(ended: Sequence[_Ended]) -> list[Spent]:
    return [
        Spent(
            one.question.user_id,
            one.question.model.name,
            one.end.usage.prompt_tokens,
            one.end.usage.completion_tokens,
        )
        for one in ended
        if one.end.usage is not None
    ]


async def _add_sources(
    session: AsyncSession, found: Sequence[tuple[Question, Sequence[SourceRead] | None]]
) -> None:
    rows = [
        {"message_id": str(question.message_id), **source.model_dump(mode="json")}
        for question, sources in found
        for source in sources or ()
    ]
    if rows:
        await session.execute(_ADD_SOURCES, {"rows": rows})


def _pack_text(
    question: Question, text: AnswerText, sources: Sequence[SourceRead] | None
) -> dict[str, Any]:
    return {
        "id": str(question.message_id),
        "content": text.content,
        "thinking": text.thinking,
        "runs": text.runs,
        "source_count": None if sources is None else len(sources),
    }


def _pack_end(ended: _Ended) -> dict[str, Any]:
    end = ended.end
    return _pack_text(ended.question, end.text, end.sources) | {
        "status": end.status,
        "usage": end.usage and end.usage.model_dump(),
        "problem": end.problem and end.problem.model_dump(),
    }


def _describe(question: Question, end: AnswerEnd, row: Row[Any]) -> MessageRead:
    problem = end.problem
    return MessageRead(
        id=question.message_id,
        session_id=question.session_id,
        parent_id=question.user_message_id,
        role="assistant",
        status=end.status,
        content=end.text.content,
        thinking=end.text.thinking,
        model=question.model.name,
        sources=list(end.sources or ()),
        usage=end.usage,
        error=problem and MessageErrorRead(code=problem.code, detail=problem.detail),
        feedback=None,
        created_at=row.created_at,
        completed_at=row.completed_at,
    )
