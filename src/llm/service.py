"""The models as the rest of Colloquy sees them: which exist, their answers and their vectors."""

import asyncio
import hashlib
import json
import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from src.config import OllamaSettings
from src.exceptions import AppError
from src.llm.admission import Admission, Priority, ReportPosition
from src.llm.cache import ExpiringCache
from src.llm.catalogue import ModelCatalogue, pick_model
from src.llm.client import OllamaClient
from src.llm.exceptions import (
    LLMInvalidResponseError,
    ModelCapabilityError,
    ModelInUseError,
    ModelMissingError,
    ModelNotFoundError,
)
from src.llm.names import normalise_model_name
from src.llm.prefixes import EmbeddingPrefixes, get_prefixes
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
from src.llm.wire import ChatRequest, GenerationOptions, InstalledModel, ModelDetails

METADATA_TTL_SECONDS = 30.0

# Ollama cuts longer inputs, or crashes on them, when they exceed its default batch.
MAX_EMBED_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class ChatModel:
    """An installed model that answers. `capabilities` is None when an old server does not tell."""

    name: str
    digest: str
    capabilities: frozenset[str] | None
    num_ctx: int
    num_predict: int

    @property
    def prompt_tokens(self) -> int:
        """What the context window leaves for a prompt when the answer takes all it may."""
        return self.num_ctx - self.num_predict

    @property
    def can_think(self) -> bool:
        return self.capabilities is not None and "thinking" in self.capabilities


@dataclass(frozen=True, slots=True)
class EmbeddingIdentity:
    """Everything that decides what a vector means: vectors of two identities never mix."""

    model: str
    digest: str
    dimension: int
    query_prefix: str
    document_prefix: str

    @property
    def collection_name(self) -> str:
        identity = json.dumps(asdict(self), sort_keys=True).encode()
        return f"chunks_{hashlib.sha256(identity).hexdigest()[:16]}"


class LLMService:
    """Made once per process, because it remembers what the servers said about their models."""

    def __init__(
        self,
        chat_client: OllamaClient,
        embed_client: OllamaClient,
        settings: OllamaSettings,
        *,
        metadata_ttl_seconds: float = METADATA_TTL_SECONDS,
    ) -> None:
        self._settings = settings
        self._chat_client = chat_client
        self._embed_client = embed_client
        self._chat_models = ModelCatalogue(chat_client, metadata_ttl_seconds)
        self._embed_models = ModelCatalogue(embed_client, metadata_ttl_seconds)
        self._dimensions = ExpiringCache(self._probe_dimension, math.inf)
        self._prefixes = _choose_prefixes(settings)
        limits = (settings.queue_length, settings.queue_per_user)
        self._chat_admission = Admission(settings.concurrency, *limits)
        self._embed_admission = Admission(settings.embed_concurrency, *limits)

    async def resolve_chat_model(self, name: str | None) -> ChatModel:
        """Find the model a caller named, or the configured one."""
        if name is None:
            model = await _find_configured(self._chat_models, self._settings.chat_model)
        else:
            model = await self._chat_models.find_model(name)
        details = await self._chat_models.get_details(model)
        if details.capabilities is not None and "completion" not in details.capabilities:
            raise ModelCapabilityError(f"The model '{model.name}' cannot chat. Choose another one.")
        settings = self._settings
        num_ctx = min(settings.num_ctx, _context_length(model, details) or settings.num_ctx)
        return ChatModel(
            name=model.name,
            digest=model.digest,
            capabilities=None if details.capabilities is None else frozenset(details.capabilities),
            num_ctx=num_ctx,
            # At least half of a small window is left for the prompt.
            num_predict=min(settings.num_predict, num_ctx // 2),
        )

    def check_room(self, model: ChatModel, user_id: UUID) -> None:
        """Raise `LLMBusyError` when another question of this user could not even wait."""
        self._chat_admission.get_queue(model.name).check_room(user_id)

    def count_running(self) -> int:
        """Return how many requests the models work on for us."""
        return self._chat_admission.count_running() + self._embed_admission.count_running()

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
            options=_generation_options(model, options),
            keep_alive=self._settings.keep_alive,
            # A model that can think does so unless it is told not to.
            think=think if think or model.can_think else None,
            format=response_format,
            tools=list(tools) if tools else None,
        )
        return self._stream_in_turn(request, user_id, report_position)

    async def _stream_in_turn(
        self, request: ChatRequest, user_id: UUID | None, report_position: ReportPosition | None
    ) -> AsyncGenerator[ChatChunk, None]:
        queue = self._chat_admission.get_queue(request.model)
        async with (
            queue.admit(user_id, Priority.INTERACTIVE, report_position),
            aclosing(self._chat_client.stream_chat(request)) as chunks,
        ):
            async for chunk in chunks:
                yield chunk

    async def get_embedding_identity(self) -> EmbeddingIdentity:
        model = await _find_configured(self._embed_models, self._settings.embed_model)
        return EmbeddingIdentity(
            model=normalise_model_name(model.name),
            digest=model.digest,
            dimension=await self._dimensions.get(model),
            query_prefix=self._prefixes.query,
            document_prefix=self._prefixes.document,
        )

    async def embed_query(self, text: str, *, user_id: UUID | None = None) -> list[float]:
        return (await self.embed_texts([text], is_query=True, user_id=user_id)).vectors[0]

    async def embed_documents(
        self, texts: Sequence[str], *, user_id: UUID | None = None
    ) -> list[list[float]]:
        """Return one vector per text, in order, behind everybody who waits for an answer."""
        prefixed = [self._prefixes.document + text for text in texts]
        return (await self._embed(prefixed, user_id, Priority.BACKGROUND)).vectors

    async def embed_texts(
        self, texts: Sequence[str], *, is_query: bool, user_id: UUID | None = None
    ) -> Embeddings:
        """Do the same for somebody who waits for it, of queries or of passages."""
        prefix = self._prefixes.query if is_query else self._prefixes.document
        return await self._embed([prefix + text for text in texts], user_id, Priority.INTERACTIVE)

    async def list_models(self) -> list[ModelRead]:
        models, loaded = await asyncio.gather(
            self._chat_models.list_models(), self._chat_client.list_loaded()
        )
        described = await asyncio.gather(
            *(self._describe_if_there(model, loaded) for model in models)
        )
        return [model for model in described if model is not None]

    async def get_model(self, name: str) -> ModelRead:
        model = await self._chat_models.find_model(name)
        return await self._describe(model, await self._chat_client.list_loaded())

    async def delete_model(self, name: str) -> None:
        model = await self._chat_models.find_model(name)
        configured = (self._settings.chat_model, self._settings.embed_model)
        if normalise_model_name(model.name) in map(normalise_model_name, configured):
            raise ModelInUseError
        await self._chat_client.delete_model(model.name)
        await self._chat_models.refresh_models()

    def forget_models(self) -> None:
        """Ask the servers anew which models they have."""
        self._chat_models.forget()
        self._embed_models.forget()

    async def check(self) -> LLMStatusRead:
        """Ask the servers now, whatever is remembered; never raises an AppError."""
        chat, embedding = await asyncio.gather(
            _check_model(self._chat_client, self._chat_models, self._settings.chat_model),
            _check_model(self._embed_client, self._embed_models, self._settings.embed_model),
        )
        return LLMStatusRead(
            is_ready=chat.is_ready and embedding.is_ready, chat=chat, embedding=embedding
        )

    async def _embed(
        self, texts: Sequence[str], user_id: UUID | None, priority: Priority
    ) -> Embeddings:
        """Ask for a limited number at once: each batch waits for a turn of its own."""
        size = self._settings.embed_batch_size
        batches = [
            await self._embed_batch(texts[start : start + size], user_id, priority)
            for start in range(0, len(texts), size)
        ]
        return Embeddings(
            vectors=[vector for batch in batches for vector in batch.vectors],
            prompt_tokens=sum(batch.prompt_tokens for batch in batches),
        )

    async def _embed_batch(
        self, texts: Sequence[str], user_id: UUID | None, priority: Priority
    ) -> Embeddings:
        model = await _find_configured(self._embed_models, self._settings.embed_model)
        dimension = await self._dimensions.get(model)
        async with self._embed_admission.get_queue(model.name).admit(user_id, priority):
            batch = await self._embed_with(model, texts)
        if any(len(vector) != dimension for vector in batch.vectors):
            raise LLMInvalidResponseError("The embedding model changed meanwhile. Try again.")
        return batch

    async def _probe_dimension(self, model: InstalledModel) -> int:
        probe = await self._embed_with(model, ["How long is a vector?"])
        return len(probe.vectors[0])

    async def _embed_with(self, model: InstalledModel, texts: Sequence[str]) -> Embeddings:
        context_length = _context_length(model, await self._embed_models.get_details(model))
        return await self._embed_client.embed(
            model.name,
            texts,
            keep_alive=self._settings.keep_alive,
            num_ctx=context_length and min(context_length, MAX_EMBED_TOKENS),
        )

    async def _describe_if_there(
        self, model: InstalledModel, loaded: Sequence[str]
    ) -> ModelRead | None:
        """Leave out a model that was removed since the list was read."""
        try:
            return await self._describe(model, loaded)
        except ModelNotFoundError:
            return None

    async def _describe(self, model: InstalledModel, loaded: Sequence[str]) -> ModelRead:
        details = await self._chat_models.get_details(model)
        chat_model = normalise_model_name(self._settings.chat_model)
        return ModelRead(
            name=model.name,
            digest=model.digest,
            size_bytes=model.size,
            modified_at=model.modified_at,
            family=model.details.family,
            parameter_size=model.details.parameter_size,
            quantization=model.details.quantization_level,
            capabilities=details.capabilities,
            context_length=_context_length(model, details),
            is_default=normalise_model_name(model.name) == chat_model,
            is_loaded=model.name in loaded,
        )


def check_capabilities(model: ChatModel, *, think: Think, has_images: bool) -> None:
    """Raise when a model lacks what is asked of it; an old server does not tell what it has."""
    if model.capabilities is None:
        return
    if think and not model.can_think:
        raise ModelCapabilityError(f"The model '{model.name}' cannot think aloud.")
    if has_images and "vision" not in model.capabilities:
        raise ModelCapabilityError(f"The model '{model.name}' cannot look at images.")


def _generation_options(model: ChatModel, options: ChatOptions | None) -> GenerationOptions:
    chosen = options.model_dump(exclude_none=True) if options else {}
    chosen["num_predict"] = min(chosen.get("num_predict", model.num_predict), model.num_predict)
    return GenerationOptions(num_ctx=model.num_ctx, **chosen)


def _choose_prefixes(settings: OllamaSettings) -> EmbeddingPrefixes:
    own = get_prefixes(settings.embed_model)
    return EmbeddingPrefixes(
        query=own.query if settings.query_prefix is None else settings.query_prefix,
        document=own.document if settings.document_prefix is None else settings.document_prefix,
    )


def _context_length(model: InstalledModel, details: ModelDetails) -> int | None:
    return details.context_length or model.details.context_length


async def _find_configured(models: ModelCatalogue, name: str) -> InstalledModel:
    try:
        return await models.find_model(name)
    except ModelNotFoundError as exc:
        raise ModelMissingError(name) from exc


async def _check_model(
    client: OllamaClient, catalogue: ModelCatalogue, name: str
) -> ModelStatusRead:
    version: str | None = None
    try:
        version = await client.get_version()
        pick_model(await catalogue.refresh_models(), name)
    except AppError as exc:
        return ModelStatusRead(model=name, is_ready=False, version=version, detail=exc.detail)
    return ModelStatusRead(model=name, is_ready=True, version=version, detail=None)
