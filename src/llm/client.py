"""Ollama's REST API over httpx: one method per call, typed replies, deadlines and mapped errors."""

import asyncio
from array import array
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from time import perf_counter
from typing import TypeVar

import aiohttp
import httpx
import numpy as np
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream
from pydantic import BaseModel

from src.config import OllamaSettings
from src.llm.deadlines import Deadlines, limit_waits
from src.llm.exceptions import LLMInvalidResponseError, ModelUnobtainableError
from src.llm.ndjson import NDJSONDecoder
from src.llm.schemas import ChatChunk, Embeddings
from src.llm.thinking import ThinkingSplitter
from src.llm.upstream_errors import map_upstream_errors, read_error
from src.llm.wire import (
    ChatLine,
    ChatRequest,
    EmbedOptions,
    EmbedReply,
    EmbedRequest,
    InstalledModel,
    LoadedReply,
    ModelDetails,
    PullLine,
    PullRequest,
    ShowRequest,
    TagsReply,
    VersionReply,
)
from src.metrics import EMBEDDING_DURATION, MODEL_FIRST_TOKEN, TOKENS, measure

MAX_ERROR_BYTES = 64 * 1024
MAX_REPLY_BYTES = 64 * 1024 * 1024
METADATA_TIMEOUT_SECONDS = 5.0
WRITE_TIMEOUT_SECONDS = 30.0
_KEEPALIVE_SECONDS = 2.0
# Between two reads, so that what comes meanwhile is one read. Whoever waits for an answer reads no
# more than fifty pieces of it in a second, and each wakes everybody between model and client.
_REST_SECONDS = 0.02

_DEFAULT_PORT = 11434
_PULL_DEADLINES = Deadlines(first=60, between=300, total=86_400)
_JSON = {"Content-Type": "application/json"}
_ENDED_EARLY = "The model server ended the answer before it was complete. Try again."
_WRONG_VECTORS = (
    "The model server gave vectors that do not fit the texts. Check that OLLAMA_EMBED_MODEL names "
    "an embedding model, then try again."
)

ReplyT = TypeVar("ReplyT", bound=BaseModel)


def parse_ollama_url(address: str) -> httpx.URL:
    """Read an address as Ollama's own programs do: `host`, `host:port` or a whole URL."""
    has_scheme = "://" in address
    url = httpx.URL(address if has_scheme else f"http://{address}")
    if url.port is None and not has_scheme:
        url = url.copy_with(port=_DEFAULT_PORT)
    # A server listens on 0.0.0.0; nobody can portably connect to it.
    return url.copy_with(host="127.0.0.1") if url.host == "0.0.0.0" else url  # noqa: S104, compared only


def create_http_client(settings: OllamaSettings, url: str) -> httpx.AsyncClient:
    """Make the connection pool of one Ollama server; whoever asked for it closes it.

    There is no read timeout, since `OllamaClient` sets a deadline for every wait. The pool has no
    limit, since admission bounds the streams and a full pool would starve health checks. Proxies
    of the environment are ignored: Ollama is local.
    """
    key = settings.api_key
    return httpx.AsyncClient(
        base_url=parse_ollama_url(url),
        headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else None,
        timeout=httpx.Timeout(
            None, connect=settings.connect_timeout_seconds, write=WRITE_TIMEOUT_SECONDS
        ),
        transport=AiohttpTransport(trust_env=False, client=_create_aiohttp_session),
        trust_env=False,
    )


def _create_aiohttp_session() -> aiohttp.ClientSession:
    """Make the session of a transport, which is an httpx client's and closed with it.

    An idle connection is dropped before the other side does it, which a request would run into.
    """
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_SECONDS)
    return aiohttp.ClientSession(connector=connector)


class OllamaClient:
    def __init__(self, http: httpx.AsyncClient, settings: OllamaSettings) -> None:
        self._http = http
        self.address = http.base_url.netloc.decode()
        self._embed_timeout_seconds = settings.embed_timeout_seconds
        self._chat_deadlines = Deadlines(
            first=settings.first_token_timeout_seconds,
            between=settings.token_timeout_seconds,
            total=settings.total_timeout_seconds,
        )

    async def stream_chat(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """Yield the answer piece by piece; the last piece has `is_done`.

        Close it (`contextlib.aclosing`) when stopping early: while its connection is open, the
        model goes on generating.
        """
        labels = {"model": request.model}
        # To whoever can be told not to think, Ollama gives a field for thoughts.
        splitter = ThinkingSplitter() if request.think is None else None
        started_at = perf_counter()
        with map_upstream_errors(request.model):
            async with (
                aclosing(self._stream_lines("/api/chat", request)) as reads,
                aclosing(limit_waits(reads, self._chat_deadlines)) as timely_reads,
            ):
                async for lines in timely_reads:
                    for chunk in (_parse_chat_line(line, splitter) for line in lines):
                        if started_at:
                            MODEL_FIRST_TOKEN.record(perf_counter() - started_at, labels)
                            started_at = 0.0
                        if chunk.is_done:
                            TOKENS.add(chunk.prompt_tokens, labels | {"kind": "prompt"})
                            TOKENS.add(chunk.completion_tokens, labels | {"kind": "answer"})
                        yield chunk
                        if chunk.is_done:
                            return
        raise LLMInvalidResponseError(_ENDED_EARLY)

    async def embed(
        self, model: str, inputs: Sequence[str], *, keep_alive: str, num_ctx: int | None = None
    ) -> Embeddings:
        """Return one vector per input, in their order, all of one dimension and finite."""
        if not inputs:
            return Embeddings([], [], 0)
        request = EmbedRequest(
            model=model,
            input=list(inputs),
            keep_alive=keep_alive,
            options=EmbedOptions(num_ctx=num_ctx, num_batch=num_ctx) if num_ctx else None,
        )
        with map_upstream_errors(model), measure(EMBEDDING_DURATION, "embed", model=model):
            reply = await self._send(
                "POST", "/api/embed", EmbedReply, request, self._embed_timeout_seconds
            )
        singles = _make_single(reply.embeddings, len(inputs))
        return Embeddings(reply.embeddings, singles, reply.prompt_eval_count)

    async def list_models(self) -> list[InstalledModel]:
        with map_upstream_errors():
            reply = await self._send("GET", "/api/tags", TagsReply)
        return reply.models

    async def show_model(self, name: str) -> ModelDetails:
        with map_upstream_errors(name):
            return await self._send("POST", "/api/show", ModelDetails, ShowRequest(model=name))

    async def list_loaded(self) -> list[str]:
        """Return the names of the models in memory."""
        with map_upstream_errors():
            reply = await self._send("GET", "/api/ps", LoadedReply)
        return [model.name for model in reply.models]

    async def delete_model(self, name: str) -> None:
        with map_upstream_errors(name):
            async with (
                asyncio.timeout(METADATA_TIMEOUT_SECONDS),
                self._http.stream(
                    "DELETE", "/api/delete", content=_encode(ShowRequest(model=name)), headers=_JSON
                ) as response,
            ):
                await _raise_for_status(response)

    async def pull_model(self, name: str) -> AsyncGenerator[PullLine, None]:
        """Yield the progress, layer by layer. The server goes on later with what is cut."""
        with map_upstream_errors(name):
            async with (
                aclosing(self._stream_lines("/api/pull", PullRequest(model=name))) as reads,
                aclosing(limit_waits(reads, _PULL_DEADLINES)) as timely_reads,
            ):
                async for lines in timely_reads:
                    for text in lines:
                        line = PullLine.model_validate_json(text)
                        if line.error is not None:
                            raise ModelUnobtainableError(name)
                        yield line
                        if line.status == "success":
                            return
        raise LLMInvalidResponseError(_ENDED_EARLY)

    async def get_version(self) -> str:
        with map_upstream_errors():
            reply = await self._send("GET", "/api/version", VersionReply)
        return reply.version

    async def _send(
        self,
        method: str,
        path: str,
        reply: type[ReplyT],
        body: BaseModel | None = None,
        timeout_seconds: float = METADATA_TIMEOUT_SECONDS,
    ) -> ReplyT:
        content = _encode(body) if body else None
        async with (
            asyncio.timeout(timeout_seconds),
            self._http.stream(method, path, content=content, headers=_JSON) as response,
        ):
            await _raise_for_status(response)
            return reply.model_validate_json(await _read_bounded(response, MAX_REPLY_BYTES))

    async def _stream_lines(self, path: str, body: BaseModel) -> AsyncGenerator[list[str], None]:
        """Yield the lines of each read. The first one is there at once; then reads rest."""
        decoder = NDJSONDecoder()
        async with self._http.stream(
            "POST", path, content=_encode(body), headers=_JSON
        ) as response:
            await _raise_for_status(response)
            async for data in response.aiter_bytes():
                if lines := decoder.feed(data):
                    yield lines
                    if len(data) < AiohttpResponseStream.CHUNK_SIZE:  # Otherwise there is more.
                        await asyncio.sleep(_REST_SECONDS)
            yield decoder.finish()


def _encode(body: BaseModel) -> bytes:
    return body.model_dump_json(exclude_none=True).encode()


def _parse_chat_line(line: str, splitter: ThinkingSplitter | None) -> ChatChunk:
    reply = ChatLine.model_validate_json(line)
    if reply.error is not None:
        raise read_error(httpx.codes.INTERNAL_SERVER_ERROR, line.encode())
    thinking, content = reply.message.thinking, reply.message.content
    if splitter is not None:
        thoughts, content = splitter.feed(content, is_last=reply.done)
        thinking += thoughts
    return ChatChunk(
        content=content,
        thinking=thinking,
        tool_calls=reply.message.tool_calls or (),
        is_done=reply.done,
        done_reason=reply.done_reason,
        prompt_tokens=reply.prompt_eval_count,
        completion_tokens=reply.eval_count,
    )


def _make_single(vectors: list[list[float]], count: int) -> "list[array[float]]":
    """Raises when one is missing, zero, empty or too long for the precision it is kept in."""
    if len(vectors) != count or len({len(vector) for vector in vectors}) != 1:
        raise LLMInvalidResponseError(_WRONG_VECTORS)
    with np.errstate(over="ignore"):
        matrix = np.asarray(vectors, dtype=np.float32)
        lengths = np.linalg.norm(matrix, axis=1)
    if not np.all(np.isfinite(lengths) & (lengths > 0)):
        raise LLMInvalidResponseError(_WRONG_VECTORS)
    return [array("f", row.tobytes()) for row in matrix]


async def _raise_for_status(response: httpx.Response) -> None:
    if not response.is_success:
        body = await _read_bounded(response, MAX_ERROR_BYTES)
        raise read_error(response.status_code, body, response.headers.get("Retry-After"))


async def _read_bounded(response: httpx.Response, max_bytes: int) -> bytes:
    """Read at most `max_bytes`: what lies beyond is no reply that anybody waits for."""
    body = bytearray()
    async for data in response.aiter_bytes():
        body += data
        if len(body) > max_bytes:
            break
    return bytes(body[:max_bytes])
