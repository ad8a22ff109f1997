"""/api/chat and /api/generate: one model, two shapes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from time import perf_counter_ns

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from src.llm.offline.encoding import (
    NDJSONResponse,
    ObjectResponse,
    encode_line,
    format_timestamp,
    omit_empty,
)
from src.llm.offline.generation import Generation, Options, generate
from src.llm.offline.library import Library, OfflineModel
from src.llm.offline.loading import KeepAlive, LoadedModels, parse_keep_alive
from src.llm.offline.refusals import RefusedError, read_body
from src.llm.schemas import ChatMessage
from src.llm.wire import GoModel


class MessageBody(GoModel):
    role: str = ""
    content: str = ""


class GenerationBody(GoModel):
    model: str = ""
    stream: bool = True
    think: bool | str = False
    format: object = None
    options: Options = Options()
    keep_alive: KeepAlive = None
    truncate: bool = True


class ChatBody(GenerationBody):
    messages: tuple[MessageBody, ...] = ()
    tools: tuple[object, ...] = ()


class GenerateBody(GenerationBody):
    prompt: str = ""
    system: str = ""


@dataclass(frozen=True, slots=True)
class _Shape:
    """How an endpoint writes a piece of text."""

    verb: str
    wrap: Callable[[str], dict[str, object]]


_CHAT = _Shape("chat", lambda text: {"message": {"role": "assistant", "content": text}})
_GENERATE = _Shape("generate", lambda text: {"response": text})


class GenerationRoutes:
    def __init__(
        self, library: Library, loaded: LoadedModels, *, token_delay_seconds: float
    ) -> None:
        self._library = library
        self._loaded = loaded
        self._token_delay_seconds = token_delay_seconds

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/api/chat", self._chat, methods=["POST"]),
            Route("/api/generate", self._generate, methods=["POST"]),
        ]

    async def _chat(self, request: Request) -> Response:
        body = await read_body(request, ChatBody)
        if not body.model:
            raise RefusedError(400, "model is required")
        if body.tools and not self._get_model(body, _CHAT).can_call_tools:
            raise RefusedError(400, f"{body.model} does not support tools")
        messages = [_read_message(message) for message in body.messages]
        return await self._respond(body, messages, _CHAT)

    async def _generate(self, request: Request) -> Response:
        body = await read_body(request, GenerateBody)
        messages = [ChatMessage("user", body.prompt)] if body.prompt else []
        if messages and body.system:
            messages.insert(0, ChatMessage("system", body.system))
        return await self._respond(body, messages, _GENERATE)

    async def _respond(
        self, body: GenerationBody, messages: list[ChatMessage], shape: _Shape
    ) -> Response:
        model = self._get_model(body, shape)
        if model.misbehave is not None:
            return model.misbehave()
        num_ctx = min(body.options.num_ctx, model.context_length)
        self._loaded.load(model, num_ctx, body.keep_alive)
        if not messages:
            return _confirm_loading(body, shape)
        generation = await asyncio.to_thread(
            generate, messages, body.options, num_ctx=num_ctx, truncate=body.truncate
        )
        if body.stream:
            return NDJSONResponse(self._stream(body.model, generation, shape))
        started = perf_counter_ns()
        await asyncio.sleep(self._token_delay_seconds * len(generation.tokens))
        piece = _describe_piece(body.model, shape, generation.text)
        return ObjectResponse({**piece, **_describe_end(generation, started)})

    async def _stream(
        self, name: str, generation: Generation, shape: _Shape
    ) -> AsyncIterator[bytes]:
        started = perf_counter_ns()
        for token in generation.tokens:
            await asyncio.sleep(self._token_delay_seconds)
            yield encode_line(_describe_piece(name, shape, token))
        last = _describe_piece(name, shape, "")
        yield encode_line({**last, **_describe_end(generation, started)})

    def _get_model(self, body: GenerationBody, shape: _Shape) -> OfflineModel:
        model = self._library.find(body.model)
        if model is None:
            raise RefusedError(404, f"model '{body.model}' not found")
        if model.capability != "completion":
            raise RefusedError(400, f'"{body.model}" does not support {shape.verb}')
        if body.think:
            raise RefusedError(400, f'"{body.model}" does not support thinking')
        if body.format:
            raise RefusedError(400, f'"{body.model}" does not support structured outputs')
        return model


def _read_message(message: MessageBody) -> ChatMessage:
    match message.role.lower():
        case "user" | "assistant" as role:
            return ChatMessage(role, message.content)
        case "system" | "tool":
            return ChatMessage("system", message.content)
        case _:
            raise RefusedError(400, f'invalid role "{message.role}"')


def _describe_piece(name: str, shape: _Shape, text: str) -> dict[str, object]:
    """Describe one piece of text; the name is the caller's own spelling."""
    return {"model": name, "created_at": format_timestamp(), **shape.wrap(text), "done": False}


def _describe_end(generation: Generation, started: int) -> dict[str, object]:
    elapsed = perf_counter_ns() - started
    counts = {
        "total_duration": elapsed,
        "prompt_eval_count": generation.prompt_tokens,
        "eval_count": len(generation.tokens),
        "eval_duration": elapsed,
    }
    return {"done": True, "done_reason": generation.done_reason, **omit_empty(counts)}


def _confirm_loading(body: GenerationBody, shape: _Shape) -> Response:
    """A request without a prompt only loads the model, or unloads it."""
    reason = "load" if parse_keep_alive(body.keep_alive) else "unload"
    piece = _describe_piece(body.model, shape, "")
    return ObjectResponse({**piece, "done": True, "done_reason": reason})
