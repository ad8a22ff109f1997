"""The models as the rest of Colloquy sees them: which exist, their answers and their vectors."""

import asyncio
import math
from array import array
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any
from uuid import UUID

from src.combining import Combiner
from src.config import OllamaSettings
from src.exceptions import AppError
from src.llm.admission import Priority, ReportPosition
from src.llm.cache import ExpiringCache
from src.llm.client import OllamaClient
from src.llm.dispatch import Dispatcher, QueueState, Turn
from src.llm.exceptions import (
    LLMFailedError,
    LLMInvalidResponseError,
    LLMUnavailableError,
    ModelInUseError,
    ModelMissingError,
    ModelNotFoundError,
)
from src.llm.names import normalise_model_name
from src.llm.preferences import ModelPreferences
from src.llm.resolved import (
    ChatModel,
    EmbeddingIdentity,
    check_capabilities,
    get_context_length,
    make_options,
    resolve_chat_model,
)
from src.llm.schemas import (
    ChatChunk,
    ChatMessage,
    ChatOptions,
    Embeddings,
    LLMStatusRead,
    ModelRead,
    ModelStatusRead,
    ResponseFormat,
    Think,
)
from src.llm.servers import ModelServers
from src.llm.wire import ChatRequest, InstalledModel

# Ollama cuts longer inputs, or crashes on them, when they exceed its default batch.
MAX_EMBED_TOKENS = 2048


class LLMService:
    """Made once per process, because it remembers what the servers said about their models."""

    def __init__(
        self, chat_servers: ModelServers, embed_servers: ModelServers, settings: OllamaSettings
    ) -> None:
        self._settings = settings
        self._preferences = ModelPreferences(settings)
        self._chat_servers = chat_servers
        self._embed_servers = embed_servers
        self._dimensions = ExpiringCache(self._probe_dimension, math.inf)
        make_dispatcher = partial(
            Dispatcher,
            max_waiting=settings.queue_length,
            max_waiting_per_user=settings.queue_per_user,
        )
        self._chats = make_dispatcher(
            chat_servers,
            concurrency=settings.concurrency,
            retried=(LLMUnavailableError, LLMFailedError),
        )
        self._queries = Combiner(
            self._embed_queries,
            most=settings.embed_batch_size,
            # Ollama works on one request for an embedding model after the other.
            rounds=len(embed_servers.servers),
        )
        # Where the model fails on a text, it will fail again: documents find out which text it is.
        self._embeddings = make_dispatcher(
            embed_servers, concurrency=settings.embed_concurrency, retried=(LLMUnavailableError,)
        )

    async def resolve_chat_model(self, name: str | None) -> ChatModel:
        """Find the model a caller named, or the configured one."""
        servers = self._chat_servers
        if name is None:
            model = await self._find_configured(servers, self._settings.chat_model)
        else:
            model = await servers.find_model(self._preferences.resolve(name))
        return resolve_chat_model(model, await servers.get_details(model), self._preferences)

    def check_room(self, model: ChatModel, user_id: UUID) -> None:
        """Raise `LLMBusyError` when another question of this user could not even wait."""
        self._chats.check_room(model, user_id)

    def count_running(self) -> int:
        """Return how many requests the models work on for us."""
        return self._chats.count_running() + self._embeddings.count_running()

    def list_queues(self) -> list[QueueState]:
        """Return the queue before each model that was asked for so far."""
        return [*self._chats.list_queues(), *self._embeddings.list_queues()]

    def stream_chat(
        self,
        model: ChatModel,
        messages: Sequence[ChatMessage],
        *,
        options: ChatOptions | None = None,
        think: Think = False,
        response_format: ResponseFormat | None = None,
        tools: Sequence[dict[str, Any]] | None = None,
        user_id: UUID | None = None,
        report_position: ReportPosition | None = None,
    ) -> AsyncGenerator[ChatChunk, None]:
        """Yield the answer; the last piece has `is_done`. Close it (`aclosing`) to stop early.

        It may have to wait for its user's turn first: `report_position` hears how it goes on.
        """
        check_capabilities(model, think=think, has_images=any(m.images for m in messages))
        request = ChatRequest(
            model=model.name,
            messages=list(messages),
            options=make_options(model, options),
            keep_alive=self._preferences.get_keep_alive(model.name),
            # A model that can think does so unless it is told not to.
            think=think if think or model.can_think else None,
            format=response_format,
            tools=list(tools) if tools else None,
        )
        turn = Turn(user_id, Priority.INTERACTIVE, report_position)
        return self._chats.stream(model, turn, lambda client: client.stream_chat(request))

    async def get_embedding_identity(self) -> EmbeddingIdentity:
        model = await self._find_embed_model()
        prefixes = self._preferences.get_prefixes(model.name)
        return EmbeddingIdentity(
            model=normalise_model_name(model.name),
            digest=model.digest,
            dimension=await self._dimensions.get(model),
            query_prefix=prefixes.query,
            document_prefix=prefixes.document,
        )

    async def embed_query(self, text: str) -> list[float]:
        """Queries that wait at the same moment share a request."""
        return await self._queries.do(None, text)

    async def embed_documents(
        self, texts: Sequence[str], *, user_id: UUID | None = None
    ) -> "list[array[float]]":
        """Return one vector per text, in order, behind everybody who waits for an answer."""
        turn = Turn(user_id, Priority.BACKGROUND)
        return (await self._embed(texts, turn, is_query=False)).singles

    async def embed_texts(
        self, texts: Sequence[str], *, is_query: bool, user_id: UUID | None = None
    ) -> Embeddings:
        """Do the same for somebody who waits for it, of queries or of passages."""
        return await self._embed(texts, Turn(user_id), is_query=is_query)

    async def list_models(self) -> list[ModelRead]:
        servers = self._chat_servers
        models, loaded = await asyncio.gather(servers.list_models(), servers.list_loaded())
        described = await asyncio.gather(
            *(self._describe_if_there(model, loaded) for model in models)
        )
        return [model for model in described if model is not None]

    async def get_model(self, name: str) -> ModelRead:
        model = await self._chat_servers.find_model(self._preferences.resolve(name))
        return await self._describe(model, await self._chat_servers.list_loaded())

    async def delete_model(self, name: str) -> None:
        """Delete a model from every server that has it."""
        model = await self._chat_servers.find_model(name)
        if normalise_model_name(model.name) in map(normalise_model_name, self.configured):
            raise ModelInUseError
        await self._chat_servers.delete_model(model.name)

    @property
    def configured(self) -> tuple[str, str]:
        """The models that answer and embed when nothing else is asked for."""
        resolve = self._preferences.resolve
        return resolve(self._settings.chat_model), resolve(self._settings.embed_model)

    async def check(self) -> LLMStatusRead:
        """Ask the servers now, whatever is remembered; never raises an AppError."""
        chat, embedding = await asyncio.gather(
            self._check_model(self._chat_servers, self._settings.chat_model),
            self._check_model(self._embed_servers, self._settings.embed_model),
        )
        return LLMStatusRead(
            is_ready=chat.is_ready and embedding.is_ready, chat=chat, embedding=embedding
        )

    async def _embed_queries(self, _: None, texts: Sequence[str]) -> list[list[float]]:
        return (await self.embed_texts(texts, is_query=True)).vectors

    async def _embed(self, texts: Sequence[str], turn: Turn, *, is_query: bool) -> Embeddings:
        """Ask for a limited number at once: each batch waits for a turn of its own."""
        model = await self._find_embed_model()
        prefixes = self._preferences.get_prefixes(model.name)
        prefix = prefixes.query if is_query else prefixes.document
        size = self._settings.embed_batch_size
        batches = [
            await self._embed_batch([prefix + text for text in texts[start : start + size]], turn)
            for start in range(0, len(texts), size)
        ]
        return Embeddings(
            vectors=[vector for batch in batches for vector in batch.vectors],
            singles=[vector for batch in batches for vector in batch.singles],
            prompt_tokens=sum(batch.prompt_tokens for batch in batches),
        )

    async def _embed_batch(self, texts: Sequence[str], turn: Turn) -> Embeddings:
        model = await self._find_embed_model()
        dimension = await self._dimensions.get(model)
        batch = await self._embed_with(model, texts, turn)
        if any(len(vector) != dimension for vector in batch.vectors):
            raise LLMInvalidResponseError("The embedding model changed meanwhile. Try again.")
        return batch

    async def _probe_dimension(self, model: InstalledModel) -> int:
        probe = await self._embed_with(model, ["How long is a vector?"], Turn(None))
        return len(probe.vectors[0])

    async def _embed_with(
        self, model: InstalledModel, texts: Sequence[str], turn: Turn
    ) -> Embeddings:
        length = get_context_length(model, await self._embed_servers.get_details(model))

        async def embed(client: OllamaClient) -> AsyncGenerator[Embeddings, None]:
            yield await client.embed(
                model.name,
                texts,
                keep_alive=self._preferences.get_keep_alive(model.name),
                num_ctx=length and min(length, MAX_EMBED_TOKENS),
            )

        async with aclosing(self._embeddings.stream(model, turn, embed)) as answers:
            return await anext(answers)

    async def _find_embed_model(self) -> InstalledModel:
        return await self._find_configured(self._embed_servers, self._settings.embed_model)

    async def _find_configured(self, servers: ModelServers, name: str) -> InstalledModel:
        model = self._preferences.resolve(name)
        try:
            return await servers.find_model(model)
        except ModelNotFoundError as exc:
            raise ModelMissingError(model) from exc

    async def _describe_if_there(
        self, model: InstalledModel, loaded: Collection[str]
    ) -> ModelRead | None:
        """Leave out a model that was removed since the list was read."""
        try:
            return await self._describe(model, loaded)
        except ModelNotFoundError:
            return None

    async def _describe(self, model: InstalledModel, loaded: Collection[str]) -> ModelRead:
        details = await self._chat_servers.get_details(model)
        chat_model = normalise_model_name(self.configured[0])
        return ModelRead(
            name=model.name,
            aliases=self._preferences.list_aliases(model.name),
            digest=model.digest,
            size_bytes=model.size,
            modified_at=model.modified_at,
            family=model.details.family,
            parameter_size=model.details.parameter_size,
            quantization=model.details.quantization_level,
            capabilities=details.capabilities,
            context_length=get_context_length(model, details),
            is_default=normalise_model_name(model.name) == chat_model,
            is_loaded=model.name in loaded,
        )

    async def _check_model(self, servers: ModelServers, name: str) -> ModelStatusRead:
        version: str | None = None
        ready, detail = 0, None
        try:
            version = await servers.check()
            model = await self._find_configured(servers, name)
            ready = sum(server.has(model) for server in servers.list_well())
        except AppError as exc:
            detail = exc.detail
        return ModelStatusRead(
            model=name,
            is_ready=detail is None,
            version=version,
            servers=len(servers.servers),
            servers_ready=ready,
            detail=detail,
        )
