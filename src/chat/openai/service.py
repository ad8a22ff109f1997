"""Answers for callers of OpenAI's API: of a plain model, or from the caller's documents."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from src.chat.engine import AnswerEngine
from src.chat.generation import Question
from src.chat.meter import AnswerClock, TokenMeter
from src.chat.openai.exceptions import UnsupportedParameterError
from src.chat.openai.keeping import KeptTurn, read_question
from src.chat.openai.running import RunningAnswer
from src.chat.openai.schemas import GenerationCreate, ModelOut
from src.chat.prompts import Prompt, Task, build_prompt
from src.chat.schemas import QueryCreate, SourceRead
from src.config import ChatSettings
from src.database import Sessions, new_id
from src.documents.search import SearchQuery, SearchService
from src.llm.exceptions import ModelNotFoundError
from src.llm.names import normalise_model_name
from src.llm.resolved import ChatModel
from src.llm.schemas import (
    ChatMessage,
    ChatOptions,
    Embeddings,
    ModelRead,
    ResponseFormat,
    Think,
)
from src.llm.service import LLMService
from src.llm.usage import UsageService

DOCUMENTS_SUFFIX = "@docs"


@dataclass(frozen=True, slots=True)
class TextRequest:
    """What any of the endpoints asks for, in our own words."""

    messages: Sequence[ChatMessage]
    options: ChatOptions
    think: Think = False
    response_format: ResponseFormat | None = None
    tools: Sequence[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is being generated. `sources` is None where no documents were asked."""

    id: str
    model: str
    running: RunningAnswer
    sources: Sequence[SourceRead] | None
    created: int = field(default_factory=lambda: int(time.time()))


class OpenAIService:
    def __init__(
        self,
        sessions: Sessions,
        search: SearchService,
        llm: LLMService,
        answers: AnswerEngine,
        settings: ChatSettings,
    ) -> None:
        self._sessions = sessions
        self._search = search
        self._llm = llm
        self._answers = answers
        self._settings = settings

    async def start(
        self,
        user_id: UUID,
        body: GenerationCreate,
        request: TextRequest,
        prefix: str,
        session_id: UUID | None,
    ) -> Answer:
        """Begin to generate. The caller stops what `Answer.running` is when it is done with it."""
        clock = AnswerClock()
        asked = None if session_id is None else read_question(request.messages)
        name = body.model.removesuffix(DOCUMENTS_SUFFIX)
        model = await self._llm.resolve_chat_model(name or None)
        self._llm.check_room(model, user_id)
        prompt, sources = Prompt([*request.messages], [], 0, 0), None
        if name != body.model:
            prompt = await self._add_passages(user_id, body, request.messages, model)
            sources = SourceRead.number_passages(prompt.passages)
            clock.note_retrieval()
        chunks = self._llm.stream_chat(
            model,
            prompt.messages,
            options=request.options,
            think=request.think if model.can_think else False,
            response_format=request.response_format,
            tools=request.tools,
            user_id=user_id,
        )
        kept = None
        if session_id is not None and asked is not None:
            question = _make_question(user_id, session_id, asked, model, sources is not None)
            kept = KeptTurn(
                self._sessions, self._answers.recorder, question, prompt, sources, clock
            )
            chunks = kept.watch(chunks)
        settle = partial(self._settle, user_id, model.name, prompt.messages, kept)
        running = RunningAnswer(chunks, settle)
        return Answer(f"{prefix}{new_id().hex}", body.model, running, sources)

    async def embed(self, user_id: UUID, name: str, texts: Sequence[str], kind: str) -> Embeddings:
        """Embed with the model of the search; another one is not offered."""
        identity = await self._llm.get_embedding_identity()
        if normalise_model_name(name) != identity.model:
            raise ModelNotFoundError(name)
        embeddings = await self._llm.embed_texts(texts, is_query=kind == "query", user_id=user_id)
        async with self._sessions.begin() as session:
            await _record(session, user_id, identity.model, embeddings.prompt_tokens)
        return embeddings

    async def list_models(self) -> list[ModelOut]:
        """List every model under all its names, and what chats once more with `@docs`."""
        models = await self._llm.list_models()
        return [entry for model in models for entry in _describe(model)]

    async def get_model(self, name: str) -> ModelOut:
        wanted = _normalise(name)
        entries = _describe(await self._llm.get_model(name.removesuffix(DOCUMENTS_SUFFIX)))
        for entry in entries:
            if _normalise(entry.id) == wanted:
                return entry
        raise ModelNotFoundError(name)

    async def _add_passages(
        self,
        user_id: UUID,
        body: GenerationCreate,
        messages: Sequence[ChatMessage],
        model: ChatModel,
    ) -> Prompt:
        *history, question = messages
        if question.role != "user" or not question.content:
            raise UnsupportedParameterError(
                "messages", "To answer from documents, the last message must be a question."
            )
        passages = await self._search.search(
            SearchQuery(
                text=question.content,
                user_id=user_id,
                limit=body.top_k or self._settings.top_k,
                document_ids=body.document_ids,
                tags=body.tags,
            )
        )
        return build_prompt(Task(question.content), history, passages, model.prompt_tokens)

    async def _settle(
        self,
        user_id: UUID,
        model: str,
        prompt: Sequence[ChatMessage],
        kept: KeptTurn | None,
        meter: TokenMeter,
    ) -> None:
        """Store what a call took, together with its end where that is kept."""
        tokens = meter.read(prompt)
        if kept is not None and kept.is_stored:
            await kept.finish(tokens)
        elif tokens is not None:
            async with self._sessions.begin() as session:
                await _record(session, user_id, model, *tokens)


def _make_question(
    user_id: UUID, session_id: UUID, asked: str, model: ChatModel, has_sources: bool
) -> Question:
    request = QueryCreate.model_construct(query=asked, model=model.name, use_documents=has_sources)
    return Question(
        user_id=user_id,
        session_id=session_id,
        user_message_id=new_id(),
        message_id=new_id(),
        request=request,
        system_prompt=None,
        model=model,
        history=(),
        request_id=None,
    )


async def _record(
    session: AsyncSession, user_id: UUID, model: str, prompt_tokens: int, completion_tokens: int = 0
) -> None:
    await UsageService(session).record(
        user_id, model, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens
    )


def _normalise(name: str) -> tuple[str, bool]:
    base = name.removesuffix(DOCUMENTS_SUFFIX)
    return normalise_model_name(base), base != name


def _describe(model: ModelRead) -> list[ModelOut]:
    created = int(model.modified_at.timestamp()) if model.modified_at else 0
    can_chat = model.capabilities is None or "completion" in model.capabilities
    return [
        ModelOut(
            id=f"{name}{suffix}",
            created=created,
            owned_by="colloquy",
            context_length=model.context_length,
        )
        for name in (model.name, *model.aliases)
        for suffix in (("", DOCUMENTS_SUFFIX) if can_chat else ("",))
    ]
