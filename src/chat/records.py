"""Messages as they are stored: read with their sources, and written while an answer grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from src.chat.exceptions import MessageNotFoundError
from src.chat.models import ChatSession, Message, MessageSource
from src.chat.schemas import AnswerUsage, MessageErrorRead, MessageRead, MessageStatus, SourceRead
from src.database import Sessions, utc_now
from src.exceptions import AppError
from src.llm.usage import UsageService

# Whoever generates an answer touches its row every second; one silent for so long is dead.
SILENCE: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class AnswerEnd:
    """How an answer ended, with everything that is worth keeping of it."""

    status: MessageStatus
    content: str
    thinking: str
    sources: Sequence[SourceRead]
    usage: AnswerUsage | None
    error: AppError | None


class AnswerRecorder:
    """Writes one growing answer to its row, in short transactions of its own."""

    def __init__(self, sessions: Sessions, user_id: UUID, message_id: UUID) -> None:
        self._sessions = sessions
        self._user_id = user_id
        self._message_id = message_id

    async def save(self, content: str, thinking: str, sources: Sequence[SourceRead]) -> None:
        """Store how far the answer came, and that somebody is still at it.

        Raises `MessageNotFoundError` when the chat was deleted meanwhile.
        """
        async with self._sessions.begin() as session:
            found = await session.scalar(
                update(Message)
                .where(Message.id == self._message_id)
                .values(content=content, thinking=thinking, heartbeat_at=utc_now())
                .returning(Message.id)
            )
            if found is None:
                raise MessageNotFoundError
            await self._save_sources(session, sources)

    async def finish(self, end: AnswerEnd) -> MessageRead:
        """Store the end. Raises `MessageNotFoundError` when the chat was deleted meanwhile."""
        async with self._sessions.begin() as session:
            message = await session.scalar(
                update(Message)
                .where(Message.id == self._message_id)
                .values(
                    status=end.status,
                    content=end.content,
                    thinking=end.thinking,
                    usage=end.usage.model_dump() if end.usage else None,
                    error_code=end.error.code if end.error else None,
                    error_detail=end.error.detail if end.error else None,
                    completed_at=utc_now(),
                )
                .returning(Message)
            )
            if message is None:
                raise MessageNotFoundError
            await self._save_sources(session, end.sources)
            await self._touch(session, message, end.usage)
        return describe_message(message, end.sources)

    async def _save_sources(self, session: AsyncSession, sources: Sequence[SourceRead]) -> None:
        if not sources:
            return
        rows = [{"message_id": self._message_id, **source.model_dump()} for source in sources]
        statement = insert(MessageSource).values(rows)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=[MessageSource.message_id, MessageSource.number],
                set_={"is_cited": statement.excluded.is_cited},
            )
        )

    async def _touch(
        self, session: AsyncSession, message: Message, usage: AnswerUsage | None
    ) -> None:
        await session.execute(
            update(ChatSession)
            .where(ChatSession.id == message.session_id)
            .values(updated_at=utc_now())
        )
        if usage is not None and message.model is not None:
            await UsageService(session).record(
                self._user_id,
                message.model,
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
            )


async def mark_interrupted(sessions: Sessions) -> int:
    """Mark the answers that nobody generates any more, in whatever process that was."""
    async with sessions.begin() as session:
        marked = await session.scalars(
            update(Message)
            .where(Message.status == "streaming", Message.heartbeat_at < utc_now() - SILENCE)
            .values(status="interrupted", completed_at=utc_now())
            .returning(Message.id)
        )
        return len(marked.all())


async def load_sources(
    session: AsyncSession, message_ids: Sequence[UUID]
) -> dict[UUID, list[SourceRead]]:
    """Load the sources of a page of messages in one statement."""
    rows = await session.scalars(
        select(MessageSource)
        .where(MessageSource.message_id.in_(message_ids))
        .order_by(MessageSource.message_id, MessageSource.number)
    )
    found: dict[UUID, list[SourceRead]] = {message_id: [] for message_id in message_ids}
    for row in rows:
        found[row.message_id].append(SourceRead.model_validate(row))
    return found


def describe_message(message: Message, sources: Sequence[SourceRead]) -> MessageRead:
    error = None
    if message.error_code is not None:
        error = MessageErrorRead(code=message.error_code, detail=message.error_detail or "")
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
            "created_at": message.created_at,
            "completed_at": message.completed_at,
        }
    )
