"""/api/embed and the older /api/embeddings."""

import asyncio
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from src.llm.offline.embedding import embed_text
from src.llm.offline.encoding import ObjectResponse, omit_empty
from src.llm.offline.generation import Options
from src.llm.offline.library import Library, OfflineModel
from src.llm.offline.loading import KeepAlive, LoadedModels
from src.llm.offline.refusals import RefusedError, read_body
from src.llm.offline.tokens import count_tokens, keep_first_tokens
from src.llm.wire import GoModel

_DECIMALS: Final = 8


class EmbeddingBody(GoModel):
    model: str = ""
    options: Options = Options()
    keep_alive: KeepAlive = None


class EmbedBody(EmbeddingBody):
    input: str | tuple[str, ...] = ()
    truncate: bool = True
    dimensions: int = 0


class EmbeddingsBody(EmbeddingBody):
    prompt: str = ""


class EmbeddingRoutes:
    def __init__(self, library: Library, loaded: LoadedModels) -> None:
        self._library = library
        self._loaded = loaded

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/api/embed", self._embed, methods=["POST"]),
            Route("/api/embeddings", self._embed_one, methods=["POST"]),
        ]

    async def _embed(self, request: Request) -> Response:
        body = await read_body(request, EmbedBody)
        model = self._get_model(body.model)
        if model.misbehave is not None:
            return model.misbehave()
        limit = self._load(model, body)
        return await asyncio.to_thread(_answer, body, limit)

    async def _embed_one(self, request: Request) -> Response:
        body = await read_body(request, EmbeddingsBody)
        model = self._get_model(body.model)
        limit = self._load(model, body)
        vector = embed_text(keep_first_tokens(body.prompt, limit)) if body.prompt else []
        return ObjectResponse({"embedding": vector})

    def _get_model(self, name: str) -> OfflineModel:
        model = self._library.find(name)
        if model is None:
            raise RefusedError(404, f'model "{name}" not found, try pulling it first')
        if model.capability != "embedding":
            raise RefusedError(501, "This server does not support embeddings")
        return model

    def _load(self, model: OfflineModel, body: EmbeddingBody) -> int:
        """Load the model and return how many tokens of a text it reads."""
        num_ctx = min(body.options.num_ctx, model.context_length)
        self._loaded.load(model, num_ctx, body.keep_alive)
        return num_ctx


def _list_inputs(value: str | tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return (value,) if value else ()


def _limit_texts(texts: Sequence[str], limit: int, *, truncate: bool) -> list[str]:
    if not truncate and any(count_tokens(text) > limit for text in texts):
        raise RefusedError(400, "the input length exceeds the context length")
    return [keep_first_tokens(text, limit) for text in texts]


def _answer(body: EmbedBody, limit: int) -> Response:
    texts = _limit_texts(_list_inputs(body.input), limit, truncate=body.truncate)
    vectors = [_shorten(embed_text(text), body.dimensions) for text in texts]
    counts = omit_empty({"prompt_eval_count": sum(map(count_tokens, texts))})
    # Ollama's are of single precision; these are as short, and nothing in them needs escaping.
    answer = {"model": body.model, "embeddings": np.round(vectors, _DECIMALS).tolist(), **counts}
    return Response(to_json(answer), media_type=ObjectResponse.media_type)


def _shorten(vector: list[float], dimensions: int) -> list[float]:
    """Keep the first dimensions at length one; too many or none at all changes nothing."""
    if not 0 < dimensions < len(vector):
        return vector
    kept = vector[:dimensions]
    length = math.hypot(*kept) or 1.0
    return [value / length for value in kept]
