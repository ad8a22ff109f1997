"""Messages as they are stored, read with their sources, and the sweep of what nobody is at."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    JSON,
    Column,
    TableValuedAlias,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy import column as name_column
from sqlalchemy.ext.asyncio import AsyncSession

from src.chat.exceptions import MessageNotFoundError
from src.chat.models import IdempotencyKey, Message, MessageFeedback, MessageSource
from src.chat.schemas import (
    AnswerUsage,
    FeedbackRead,
    MessageErrorRead,
    MessageRead,
    MessageStatus,
    SourceRead,
)
from src.database import Sessions
from src.documents.presence import find_present
from src.schemas import Problem

# Whoever generates an answer touches its row every second; one silent for so long is dead.
SILENCE: Final = timedelta(seconds=10)
# How long a question may be sent again under its key.
KEY_LIFETIME: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class AnswerText:
    """How far an answer came; `runs` tell how thinking and answer alternate."""

    content: str
    thinking: str
    runs: Sequence[int]


@dataclass(frozen=True, slots=True)
class AnswerEnd:
    """How an answer ended, with everything that is worth keeping of it."""

    status: MessageStatus
    text: AnswerText
    sources: Sequence[SourceRead] | None
    usage: AnswerUsage | None
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A row, and what readers see of it."""

    message: MessageRead
    runs: Sequence[int]
    has_sources: bool
    problem: Problem | None


def unpack_rows(*columns: Column[Any]) -> TableValuedAlias:
    """Name the rows that a statement gets as one parameter, `rows`: it is the same for any number.

    A row may leave columns out.
    """
    packed = func.json_to_recordset(bindparam("rows", type_=JSON))
    return packed.table_valued(*(name_column(c.name, c.type) for c in columns)).render_derived(
        with_types=True
    )


async def mark_interrupted(sessions: Sessions, alive: Collection[UUID]) -> int:
    """Mark the answers that nobody generates any more, in whatever process that was.

    Those of this process are `alive`, however long the database kept them from saying so.
    """
    async with sessions.begin() as session:
        marked = await session.scalars(
            update(Message)
            .where(
                Message.status == "streaming",
                Message.heartbeat_at < func.now() - SILENCE,
                Message.id.not_in(alive),
            )
            .values(status="interrupted", completed_at=func.now())
            .returning(Message.id)
        )
        return len(marked.all())


async def forget_keys(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await session.execute(
            delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - KEY_LIFETIME)
        )


async def read_answer(sessions: Sessions, message_id: UUID) -> StoredAnswer:
    """Read one answer as it stands. Raises `MessageNotFoundError` when it was deleted."""
    async with sessions() as session:
        message = await session.get(Message, message_id)
        if message is None:
            raise MessageNotFoundError
        (described,) = await describe_messages(session, [message])
    problem = None if message.problem is None else Problem.model_validate(message.problem)
    return StoredAnswer(described, message.runs, message.source_count is not None, problem)


async def describe_messages(
    session: AsyncSession, messages: Sequence[Message]
) -> list[MessageRead]:
    """Describe a page of messages with all that belongs to them, in three statements."""
    ids = [message.id for message in messages]
    sources = await _load_sources(session, ids)
    rows = await session.scalars(select(MessageFeedback).where(MessageFeedback.message_id.in_(ids)))
    feedback = {row.message_id: FeedbackRead.model_validate(row) for row in rows}
    return [
        describe_message(message, sources[message.id], feedback.get(message.id))
        for message in messages
    ]


async def _load_sources(
    session: AsyncSession, message_ids: Sequence[UUID]
) -> dict[UUID, list[SourceRead]]:
    selected = await session.scalars(
        select(MessageSource)
        .join(Message, Message.id == MessageSource.message_id)
        # Of a prompt that was too long there may be more.
        .where(Message.id.in_(message_ids), MessageSource.number <= Message.source_count)
        .order_by(MessageSource.message_id, MessageSource.number)
    )
    rows = selected.all()
    present = await find_present(session, {row.document_id for row in rows})
    found: dict[UUID, list[SourceRead]] = {message_id: [] for message_id in message_ids}
    for row in rows:
        found[row.message_id].append(_describe_source(row, is_gone=row.document_id not in present))
    return found


def _describe_source(row: MessageSource, *, is_gone: bool) -> SourceRead:
    names = SourceRead.model_fields.keys() - {"is_gone"}
    return SourceRead(**{name: getattr(row, name) for name in names}, is_gone=is_gone)


def describe_message(
    message: Message, sources: Sequence[SourceRead], feedback: FeedbackRead | None
) -> MessageRead:
    error = None
    if message.problem is not None:
        error = MessageErrorRead(code=message.problem["code"], detail=message.problem["detail"])
    return MessageRead.model_validate(
        {
            "id": message.id,
            "session_id": message.session_id,
            "parent_id": message.parent_id,
            "role": message.role,
            "status": message.status,
            "content": message.content,
            "thinking": message.thinking,
            "model": message.model,
            "sources": list(sources),
            "usage": message.usage,
            "error": error,
            "feedback": feedback,
            "created_at": message.created_at,
            "completed_at": message.completed_at,
        }
    )
