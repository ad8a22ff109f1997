"""Keeps a call in a chat of its caller: what was asked last, and what came of it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from src.chat.exceptions import ChatSessionNotFoundError
from src.chat.models import Message, MessageSource
from src.chat.openai.conversion import mark_cited
from src.chat.openai.exceptions import UnsupportedParameterError
from src.chat.schemas import MessageStatus, SourceRead
from src.chat.service import ChatService
from src.chat.tree import find_newest_answer
from src.database import utc_now
from src.exceptions import AppError
from src.llm.schemas import ChatChunk, ChatMessage
from src.schemas import Problem

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class KeptTurn:
    """A question of which an answer is generated. `watch` sees how far it comes, and its end."""

    user_id: UUID
    session_id: UUID
    question: str
    model: str
    content: str = ""
    thinking: str = ""
    status: MessageStatus = "stopped"
    error: AppError | None = None
    sources: Sequence[SourceRead] | None = None

    async def watch(
        self, chunks: AsyncGenerator[ChatChunk, None]
    ) -> AsyncGenerator[ChatChunk, None]:
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    self.content += _drop_nul(chunk.content)
                    self.thinking += _drop_nul(chunk.thinking)
                    if chunk.is_done:
                        self.status = "completed"
                    yield chunk
        except AppError as error:
            self.status, self.error = "failed", error
            raise

    async def store(self, session: AsyncSession) -> None:
        """Add both behind the newest answer of the chat, if that is still there.

        What failed before it began is not kept: its caller was told so by a status, and may retry.
        """
        if self.error is not None and not self.content:
            return
        try:
            chat = await ChatService(session).lock_session(self.user_id, self.session_id)
        except ChatSessionNotFoundError:
            log.warning("answer not kept: its chat was deleted", session_id=str(self.session_id))
            return
        question = Message(
            session_id=chat.id,
            user_id=self.user_id,
            parent_id=await find_newest_answer(session, chat.id),
            role="user",
            status="completed",
            content=self.question,
            request={"model": self.model, "use_documents": self.sources is not None},
            completed_at=utc_now(),
        )
        session.add(question)
        await session.flush()
        answer = self._make_answer(question.id)
        session.add(answer)
        await session.flush()
        session.add_all(self._make_sources(answer.id))
        chat.updated_at = utc_now()

    def _make_answer(self, question_id: UUID) -> Message:
        problem = Problem.from_error(self.error, None).model_dump() if self.error else None
        return Message(
            session_id=self.session_id,
            user_id=self.user_id,
            parent_id=question_id,
            role="assistant",
            status=self.status,
            content=self.content,
            thinking=self.thinking,
            runs=[len(self.thinking), len(self.content)],
            model=self.model,
            source_count=None if self.sources is None else len(self.sources),
            problem=problem,
            completed_at=utc_now(),
        )

    def _make_sources(self, answer_id: UUID) -> list[MessageSource]:
        cited = mark_cited(self.content, self.sources or ())
        return [
            MessageSource(message_id=answer_id, **source.model_dump(exclude={"is_gone"}))
            for source in cited
        ]


def read_question(messages: Sequence[ChatMessage]) -> str:
    question = messages[-1]
    if question.role != "user" or not question.content:
        raise UnsupportedParameterError(
            "messages", "To be kept in a chat, the last message must be a question."
        )
    return _drop_nul(question.content)


def _drop_nul(text: str) -> str:
    """PostgreSQL stores none."""
    return text.replace("\0", "")
