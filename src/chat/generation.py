"""Generates answers, each in a task of its own: whoever asked may leave, nothing is lost."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from src.chat.citations import find_citations
from src.chat.events import MessageStarted, Sources
from src.chat.exceptions import MessageNotFoundError
from src.chat.live import LiveAnswer
from src.chat.prompts import Prompt, build_prompt
from src.chat.records import AnswerEnd, AnswerRecorder, mark_interrupted
from src.chat.schemas import AnswerUsage, MessageRead, MessageStatus, QueryCreate, SourceRead
from src.config import ChatSettings
from src.database import DatabaseUnavailableError, Sessions
from src.documents.schemas import PassageRead
from src.documents.search import SearchQuery, SearchService
from src.exceptions import AppError
from src.llm.schemas import ChatChunk, ChatMessage
from src.llm.service import ChatModel, LLMService

log = structlog.get_logger(__name__)

_SWEEP_SECONDS = 5.0
_STORE_DELAYS_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)


@dataclass(frozen=True, slots=True)
class Question:
    """A stored question, with the empty answer that waits to be generated."""

    user_id: UUID
    session_id: UUID
    user_message_id: UUID
    message_id: UUID
    request: QueryCreate
    model: ChatModel
    history: Sequence[ChatMessage]
    request_id: str | None


@dataclass(slots=True)
class _Progress:
    """What is known of one answer besides its text."""

    started_at: float = field(default_factory=time.perf_counter)
    sources: list[SourceRead] = field(default_factory=list)
    are_sources_saved: bool = False
    prompt: Prompt | None = None
    retrieval_ms: int = 0
    first_token_ms: int = 0
    last: ChatChunk | None = None

    def take_unsaved_sources(self) -> list[SourceRead]:
        """Return the sources the first time they are there, and nothing from then on."""
        if not self.sources or self.are_sources_saved:
            return []
        self.are_sources_saved = True
        return self.sources

    def elapsed_ms(self) -> int:
        return round((time.perf_counter() - self.started_at) * 1000)


class AnswerEngine:
    """Runs the answers of this process. Made in the lifespan and closed there."""

    def __init__(
        self, sessions: Sessions, search: SearchService, llm: LLMService, settings: ChatSettings
    ) -> None:
        self._sessions = sessions
        self._search = search
        self._llm = llm
        self._settings = settings
        self._conductors: set[asyncio.Task[None]] = set()
        self._productions: set[asyncio.Task[None]] = set()

    def start(self, question: Question) -> LiveAnswer:
        """Begin to generate; the question must be committed."""
        live = LiveAnswer(
            MessageStarted(
                session_id=question.session_id,
                user_message_id=question.user_message_id,
                message_id=question.message_id,
                model=question.model.name,
            )
        )
        task = asyncio.create_task(self._conduct(question, live))
        self._conductors.add(task)
        task.add_done_callback(self._conductors.discard)
        return live

    async def sweep(self) -> None:
        """Mark what crashed processes left behind, now and then, until cancelled."""
        while True:
            with contextlib.suppress(DatabaseUnavailableError):
                if count := await mark_interrupted(self._sessions):
                    log.warning("answers were interrupted", count=count)
            await asyncio.sleep(_SWEEP_SECONDS)

    async def close(self) -> None:
        """Let the answers finish for a while, then cut the rest and store what there is of them."""
        if self._conductors:
            await asyncio.wait(self._conductors, timeout=self._settings.shutdown_grace_seconds)
        for production in self._productions:
            production.cancel()
        if self._conductors:
            await asyncio.wait(self._conductors)

    async def _conduct(self, question: Question, live: LiveAnswer) -> None:
        try:
            live.complete(await self._generate(question, live))
        except AppError as error:
            live.fail(error, question.request_id)
        except Exception:  # the outermost edge of the task: no reader may wait for ever
            log.exception("answer lost", message_id=str(question.message_id))
            live.fail(AppError(), question.request_id)

    async def _generate(self, question: Question, live: LiveAnswer) -> MessageRead:
        """Produce the answer, keep its row up to date meanwhile, and store how it ended."""
        progress = _Progress()
        recorder = AnswerRecorder(self._sessions, question.user_id, question.message_id)
        production = asyncio.create_task(self._produce(question, live, progress))
        self._productions.add(production)
        is_over = asyncio.Event()
        saver = asyncio.create_task(self._keep_saving(recorder, live, progress, is_over))
        saver.add_done_callback(lambda _: production.cancel())
        try:
            await production
            end = _conclude(live, progress, "completed")
        except asyncio.CancelledError:
            end = _conclude(live, progress, "interrupted")
        except AppError as error:
            end = _conclude(live, progress, "failed", error)
        except Exception:
            log.exception("answer failed", message_id=str(question.message_id))
            end = _conclude(live, progress, "failed", AppError())
        finally:
            self._productions.discard(production)
            is_over.set()
            await saver
        message = await _store(recorder, end)
        if end.error is not None:
            raise end.error
        return message

    async def _produce(self, question: Question, live: LiveAnswer, progress: _Progress) -> None:
        passages = await self._retrieve(question, progress)
        prompt = build_prompt(
            question.request.query,
            question.history,
            passages,
            question.model.prompt_tokens,
        )
        progress.prompt = prompt
        if passages is not None:
            progress.sources = _number(prompt.passages)
            live.add_sources(Sources(sources=progress.sources))
        stream = self._llm.stream_chat(
            question.model,
            prompt.messages,
            options=question.request.options,
            think=question.request.think,
            user_id=question.user_id,
            report_position=live.set_position,
        )
        async with aclosing(stream):
            async for chunk in stream:
                if not live.length and (chunk.thinking or chunk.content):
                    progress.first_token_ms = progress.elapsed_ms()
                live.add_thinking(chunk.thinking)
                live.add_answer(chunk.content)
                progress.last = chunk

    async def _retrieve(self, question: Question, progress: _Progress) -> list[PassageRead] | None:
        request = question.request
        if not request.use_documents:
            return None
        passages = await self._search.search(
            SearchQuery(
                text=request.query,
                user_id=question.user_id,
                limit=request.top_k or self._settings.top_k,
                document_ids=request.document_ids,
                tags=request.tags,
            )
        )
        progress.retrieval_ms = progress.elapsed_ms()
        return passages

    async def _keep_saving(
        self,
        recorder: AnswerRecorder,
        live: LiveAnswer,
        progress: _Progress,
        is_over: asyncio.Event,
    ) -> None:
        """Store the growing answer at intervals, until it is over or nobody has it any more.

        A database that is away only delays it.
        """
        while not await _happens_within(is_over, self._settings.save_interval_seconds):
            try:
                await recorder.save(live.answer, live.thinking, progress.take_unsaved_sources())
            except MessageNotFoundError:
                return
            except AppError as exc:
                log.warning("answer not saved for now", code=exc.code)


async def _store(recorder: AnswerRecorder, end: AnswerEnd) -> MessageRead:
    """Store the end, trying again while the database is away."""
    for delay_seconds in _STORE_DELAYS_SECONDS:
        try:
            return await recorder.finish(end)
        except DatabaseUnavailableError as exc:
            log.warning("answer not stored for now", code=exc.code)
            await asyncio.sleep(delay_seconds)
    return await recorder.finish(end)


def _conclude(
    live: LiveAnswer, progress: _Progress, status: MessageStatus, error: AppError | None = None
) -> AnswerEnd:
    answer = live.answer
    cited = find_citations(answer, len(progress.sources))
    sources = [
        source.model_copy(update={"is_cited": source.number in cited})
        for source in progress.sources
    ]
    return AnswerEnd(status, answer, live.thinking, sources, _measure(progress), error)


def _measure(progress: _Progress) -> AnswerUsage | None:
    if progress.last is None or progress.prompt is None:
        return None
    return AnswerUsage(
        prompt_tokens=progress.last.prompt_tokens,
        completion_tokens=progress.last.completion_tokens,
        omitted_messages=progress.prompt.omitted_messages,
        omitted_passages=progress.prompt.omitted_passages,
        retrieval_ms=progress.retrieval_ms,
        first_token_ms=progress.first_token_ms,
        total_ms=progress.elapsed_ms(),
    )


def _number(passages: Sequence[PassageRead]) -> list[SourceRead]:
    return [
        SourceRead(number=number, is_cited=False, **passage.model_dump(exclude={"heading"}))
        for number, passage in enumerate(passages, 1)
    ]


async def _happens_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
