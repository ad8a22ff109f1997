"""Makes one answer: finds passages, builds the prompt and takes down what the model says."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

import structlog

from src.chat.citations import CitationParser
from src.chat.events import MessageStarted, Sources
from src.chat.exceptions import PromptTooLongError
from src.chat.follow_up import make_search_text
from src.chat.gauge import TokenGauge
from src.chat.live import LiveAnswer
from src.chat.meter import AnswerClock, TokenMeter
from src.chat.prompts import Prompt, Task, build_prompt
from src.chat.records import AnswerEnd, AnswerText
from src.chat.schemas import AnswerUsage, MessageStatus, QueryCreate, SourceRead
from src.config import ChatSettings
from src.documents.schemas import PassageRead
from src.documents.search import SearchQuery, SearchService
from src.exceptions import AppError
from src.llm.exceptions import ContextLengthExceededError
from src.llm.resolved import ChatModel
from src.llm.schemas import ChatChunk, ChatMessage
from src.llm.service import LLMService
from src.metrics import ANSWER_DURATION, ANSWER_FIRST_TOKEN, ANSWERS
from src.schemas import Problem

log = structlog.get_logger(__name__)

_MOST_PROMPTS = 3


@dataclass(frozen=True, slots=True)
class Question:
    """A stored question, with the empty answer that waits to be generated."""

    user_id: UUID
    session_id: UUID
    user_message_id: UUID
    message_id: UUID
    request: QueryCreate
    system_prompt: str | None
    model: ChatModel
    history: Sequence[ChatMessage]
    request_id: str | None

    @property
    def task(self) -> Task:
        return Task(self.request.query, self.system_prompt, self.request.images or ())


class Generation:
    """Fills a `LiveAnswer`. Knows no database: whoever runs it stores what it makes."""

    def __init__(
        self,
        question: Question,
        search: SearchService,
        llm: LLMService,
        gauge: TokenGauge,
        settings: ChatSettings,
    ) -> None:
        self.question = question
        self.live = LiveAnswer(
            MessageStarted(
                session_id=question.session_id,
                user_message_id=question.user_message_id,
                message_id=question.message_id,
                model=question.model.name,
            )
        )
        self._search = search
        self._llm = llm
        self._gauge = gauge
        self._settings = settings
        self._clock = AnswerClock()
        self._sources: list[SourceRead] | None = None
        self._prompt: Prompt | None = None
        self._citations = CitationParser(0)
        self._meter = TokenMeter()

    @property
    def sources(self) -> list[SourceRead] | None:
        """The numbered passages, with what is cited so far; None while there are none."""
        if self._sources is None:
            return None
        cited = self._citations.cited
        return [s.model_copy(update={"is_cited": s.number in cited}) for s in self._sources]

    @property
    def text(self) -> AnswerText:
        return AnswerText(self.live.answer, self.live.thinking, self.live.runs)

    async def run(self) -> None:
        passages = await self._retrieve()
        for attempt in range(1, _MOST_PROMPTS + 1):
            self._prompt = self._build_prompt(passages)
            self._announce_sources(passages is not None)
            try:
                await self._stream(self._prompt)
            except ContextLengthExceededError:
                if self.live.length or attempt == _MOST_PROMPTS:
                    raise
                self._gauge.shrink(self.question.model.digest)
                log.info("prompt did not fit", model=self.question.model.name, attempt=attempt)
            else:
                return

    def conclude(self, status: MessageStatus, error: AppError | None = None) -> AnswerEnd:
        labels = {"status": status, "model": self.question.model.name}
        ANSWERS.add(1, labels)
        ANSWER_DURATION.record(self._clock.elapsed_ms / 1000, labels)
        request_id = self.question.request_id
        problem = None if error is None else Problem.from_error(error, request_id)
        return AnswerEnd(status, self.text, self.sources, self._measure(), problem)

    async def _retrieve(self) -> list[PassageRead] | None:
        request = self.question.request
        if not request.use_documents:
            return None
        passages = await self._search.search(
            SearchQuery(
                text=await make_search_text(
                    request.query,
                    self.question.history,
                    self._settings.follow_up_search,
                    self._llm,
                    self.question.model,
                    self.question.user_id,
                ),
                user_id=self.question.user_id,
                limit=request.top_k or self._settings.top_k,
                document_ids=request.document_ids,
                tags=request.tags,
            )
        )
        self._clock.note_retrieval()
        return passages

    def _build_prompt(self, passages: list[PassageRead] | None) -> Prompt:
        model = self.question.model
        try:
            return build_prompt(
                self.question.task,
                self.question.history,
                passages,
                model.prompt_tokens,
                self._gauge.get(model.digest),
            )
        except PromptTooLongError as exc:
            raise ContextLengthExceededError from exc

    def _announce_sources(self, has_passages: bool) -> None:
        """Announce the passages of this prompt: a second, smaller one holds the first of them."""
        assert self._prompt is not None  # noqa: S101, built just before
        self._citations = CitationParser(len(self._prompt.passages))
        if has_passages:
            self._sources = SourceRead.number_passages(self._prompt.passages)
            self.live.add_sources(Sources(sources=self._sources))

    async def _stream(self, prompt: Prompt) -> None:
        request, model = self.question.request, self.question.model
        stream = self._llm.stream_chat(
            model,
            prompt.messages,
            options=request.options,
            think=request.think,
            response_format=request.format,
            user_id=self.question.user_id,
            report_position=self.live.set_position,
        )
        async with aclosing(stream):
            async for chunk in stream:
                self._take(chunk)
        if self._meter.last is not None:
            self._gauge.observe(model.digest, prompt.messages, self._meter.last.prompt_tokens)

    def _take(self, chunk: ChatChunk) -> None:
        if not self.live.length and (chunk.thinking or chunk.content):
            self._clock.note_first_token()
            labels = {"model": self.question.model.name}
            ANSWER_FIRST_TOKEN.record(self._clock.first_token_ms / 1000, labels)
        # PostgreSQL stores no NUL, and what is streamed is what is stored.
        content = chunk.content.replace("\0", "")
        self.live.add_thinking(chunk.thinking.replace("\0", ""))
        self.live.add_answer(content)
        self._citations.feed(content)
        self._meter.take(chunk)

    def _measure(self) -> AnswerUsage | None:
        if self._prompt is None:
            return None
        bytes_per_token = self._gauge.get(self.question.model.digest)
        tokens = self._meter.read(self._prompt.messages, bytes_per_token)
        return None if tokens is None else self._clock.measure(self._prompt, tokens)
