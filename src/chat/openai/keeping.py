"""Keeps a call in a chat of its caller: what was asked last, and what comes of it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import structlog
from sqlalchemy import func

from src.chat.exceptions import ChatSessionNotFoundError, MessageNotFoundError
from src.chat.generation import Question
from src.chat.meter import AnswerClock
from src.chat.models import Message
from src.chat.openai.conversion import mark_cited
from src.chat.openai.exceptions import UnsupportedParameterError
from src.chat.prompts import Prompt
from src.chat.recording import AnswerRecorder
from src.chat.records import AnswerEnd, AnswerText
from src.chat.schemas import MessageStatus, SourceRead
from src.chat.service import ChatService
from src.chat.tree import find_newest_answer
from src.database import Sessions, utc_now
from src.exceptions import AppError
from src.llm.schemas import ChatChunk, ChatMessage
from src.schemas import Problem

log = structlog.get_logger(__name__)


class KeptTurn:
    """A question and its answer, stored from the first piece on.

    What fails before that is not kept: its caller is told so by a status, and may retry.
    """

    def __init__(
        self,
        sessions: Sessions,
        recorder: AnswerRecorder,
        question: Question,
        prompt: Prompt,
        sources: Sequence[SourceRead] | None,
        clock: AnswerClock,
    ) -> None:
        self.question = question
        self.is_stored = False
        self._sessions = sessions
        self._recorder = recorder
        self._prompt = prompt
        self._sources = sources
        self._clock = clock
        self._content = self._thinking = ""
        self._status: MessageStatus = "stopped"
        self._error: AppError | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def text(self) -> AnswerText:
        runs = [len(self._thinking), len(self._content)]
        return AnswerText(self._content, self._thinking, runs)

    @property
    def sources(self) -> Sequence[SourceRead] | None:
        return None if self._sources is None else mark_cited(self._content, self._sources)

    def stop(self) -> None:
        """End it in the task that reads the model, once."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def drop(self) -> None:
        """Its chat was deleted, but its caller waits for the answer all the same."""

    async def watch(
        self, chunks: AsyncGenerator[ChatChunk, None]
    ) -> AsyncGenerator[ChatChunk, None]:
        is_first = True
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    self._take(chunk)
                    if is_first:
                        is_first = False
                        self._clock.note_first_token()
                        await self._store()
                    yield chunk
        except AppError as error:
            self._status, self._error = "failed", error
            raise

    async def finish(self, tokens: tuple[int, int] | None) -> None:
        """Store how it ended and what it took, also while the database is away."""
        request_id = self.question.request_id
        problem = None if self._error is None else Problem.from_error(self._error, request_id)
        usage = None if tokens is None else self._clock.measure(self._prompt, tokens)
        end = AnswerEnd(self._status, self.text, self.sources, usage, problem)
        try:
            await self._recorder.finish(self.question, end)
        except MessageNotFoundError:
            log.warning("answer not kept: its chat was deleted")

    def _take(self, chunk: ChatChunk) -> None:
        self._content += _drop_nul(chunk.content)
        self._thinking += _drop_nul(chunk.thinking)
        if chunk.is_done:
            self._status = "completed"

    async def _store(self) -> None:
        """Add both behind the newest answer of the chat, if that is still there."""
        try:
            await self._add_messages()
        except ChatSessionNotFoundError:
            log.warning("answer not kept: its chat was deleted")
            return
        self.is_stored = True
        self._task = asyncio.current_task()
        self._recorder.add(self)

    async def _add_messages(self) -> None:
        question, request = self.question, self.question.request
        owner = {"session_id": question.session_id, "user_id": question.user_id}
        async with self._sessions.begin() as session:
            await ChatService(session).lock_session(question.user_id, question.session_id)
            asked = Message(
                **owner,
                id=question.user_message_id,
                parent_id=await find_newest_answer(session, question.session_id),
                role="user",
                status="completed",
                content=request.query,
                request=request.model_dump(include={"model", "use_documents"}),
                completed_at=utc_now(),
            )
            session.add(asked)
            await session.flush()
            answer = Message(
                **owner,
                id=question.message_id,
                parent_id=asked.id,
                role="assistant",
                status="streaming",
                content="",
                model=question.model.name,
                heartbeat_at=func.now(),
            )
            session.add(answer)


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
