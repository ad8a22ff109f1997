"""The API of OpenAI, for the many programs that speak it. Errors have OpenAI's shape here."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Path, Request, Response
from starlette.types import Receive, Scope, Send

from src.auth.dependencies import AUTHENTICATION_ERRORS, CurrentUser
from src.chat.exceptions import ChatSessionNotFoundError, PromptTooLongError
from src.chat.openai.conversion import encode_vector, read_texts
from src.chat.openai.dependencies import (
    OpenAIServiceDep,
    Spender,
    Started,
    StartedChatCompletion,
    StartedCompletion,
    StartedResponse,
)
from src.chat.openai.exceptions import InvalidParameterError, UnsupportedParameterError
from src.chat.openai.rendering import (
    ChatEvents,
    Collected,
    EventWriter,
    TextEvents,
    stream_events,
    write_chat_completion,
    write_text_completion,
)
from src.chat.openai.responses import (
    ResponseEvents,
    ResponseOut,
    write_response,
)
from src.chat.openai.running import RunningAnswer
from src.chat.openai.schemas import (
    ChatCompletion,
    EmbeddingCreate,
    EmbeddingList,
    EmbeddingOut,
    EmbeddingUsage,
    ErrorOut,
    ModelList,
    ModelOut,
    TextCompletion,
)
from src.database import DatabaseUnavailableError
from src.documents.exceptions import VectorsUnavailableError
from src.exceptions import AppError, InvalidError
from src.llm.exceptions import (
    MODEL_ERRORS,
    ContextLengthExceededError,
    ModelCapabilityError,
    ModelNotFoundError,
    QuotaExceededError,
)
from src.llm.names import MAX_MODEL_NAME_LENGTH
from src.routes import ModuleRouter
from src.sse import EventStreamResponse

_MOST_TEXTS = 2048


def _error_responses(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """Document errors in OpenAI's shape, which knows no 422."""
    responses: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        status = 400 if error.status == 422 else error.status  # noqa: PLR2004, validation
        entry = responses.setdefault(status, {"model": ErrorOut, "description": ""})
        line = f"`{error.code}`: {error.default_detail}"
        entry["description"] = f"{entry['description']}\n\n{line}".strip()
    return responses


_MODEL_ERRORS = (
    InvalidError,
    QuotaExceededError,
    ModelNotFoundError,
    *MODEL_ERRORS,
    DatabaseUnavailableError,
)
_TEXT_ERRORS = (
    ChatSessionNotFoundError,
    UnsupportedParameterError,
    InvalidParameterError,
    ModelCapabilityError,
    ContextLengthExceededError,
    PromptTooLongError,
    *_MODEL_ERRORS,
    VectorsUnavailableError,
)

router = ModuleRouter(
    prefix="/v1", tags=["openai"], responses=_error_responses(*AUTHENTICATION_ERRORS)
)


class _EventStream(EventStreamResponse):
    """Stops the model when it ends, however it ends: even when the client left before it began."""

    def __init__(self, events: AsyncIterator[bytes], running: RunningAnswer) -> None:
        super().__init__(events)
        self._running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._running.stop()


@router.post(
    "/chat/completions",
    response_model=ChatCompletion,
    responses=_error_responses(*_TEXT_ERRORS),
)
async def create_chat_completion(
    request: Request, started: StartedChatCompletion
) -> Response | ChatCompletion:
    """Answer a conversation, like OpenAI's `chat.completions.create`.

    With `@docs` behind the model's name the answer rests on your documents: `[n]` in its text,
    `url_citation` annotations, and the passages themselves in `sources`. Nothing is stored, unless
    `X-Colloquy-Session` names a chat.
    """
    if started.is_streamed:
        return _stream(started, ChatEvents(has_usage=started.has_usage))
    return write_chat_completion(await _read_to_end(request, started.collected))


@router.post(
    "/completions", response_model=TextCompletion, responses=_error_responses(*_TEXT_ERRORS)
)
async def create_completion(
    request: Request, started: StartedCompletion
) -> Response | TextCompletion:
    """Answer one prompt, like OpenAI's older `completions.create`."""
    if started.is_streamed:
        return _stream(started, TextEvents(has_usage=started.has_usage))
    return write_text_completion(await _read_to_end(request, started.collected))


@router.post("/responses", responses=_error_responses(*_TEXT_ERRORS), response_model=ResponseOut)
async def create_response(request: Request, started: StartedResponse) -> Response | ResponseOut:
    """Answer a conversation, like OpenAI's `responses.create`, and as statelessly."""
    if started.is_streamed:
        return _stream(started, ResponseEvents())
    return write_response(await _read_to_end(request, started.collected))


@router.post(
    "/embeddings",
    responses=_error_responses(
        UnsupportedParameterError, ContextLengthExceededError, *_MODEL_ERRORS
    ),
)
async def create_embedding(
    body: EmbeddingCreate, user: Spender, service: OpenAIServiceDep
) -> EmbeddingList:
    """Turn texts into vectors, with the model that searches your documents."""
    texts = read_texts(body.input, "input")
    if not 0 < len(texts) <= _MOST_TEXTS or not all(texts):
        raise InvalidParameterError("input", f"Send 1 to {_MOST_TEXTS} texts, none of them empty.")
    embeddings = await service.embed(user.user_id, body.model, texts, body.input_type)
    if body.dimensions not in (None, len(embeddings.vectors[0])):
        raise UnsupportedParameterError("dimensions", "The vectors of this model cannot be cut.")
    is_base64 = body.encoding_format == "base64"
    tokens = embeddings.prompt_tokens
    return EmbeddingList(
        data=[
            EmbeddingOut(index=index, embedding=encode_vector(vector) if is_base64 else vector)
            for index, vector in enumerate(embeddings.vectors)
        ],
        model=body.model,
        usage=EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens),
    )


@router.get("/models", responses=_error_responses(*_MODEL_ERRORS))
async def list_models(_user: CurrentUser, service: OpenAIServiceDep) -> ModelList:
    """List the models; those that end in `@docs` answer from your documents."""
    return ModelList(data=await service.list_models())


@router.get("/models/{name:path}", responses=_error_responses(*_MODEL_ERRORS))
async def get_model(
    name: Annotated[str, Path(max_length=MAX_MODEL_NAME_LENGTH)],
    _user: CurrentUser,
    service: OpenAIServiceDep,
) -> ModelOut:
    """Describe one model."""
    return await service.get_model(name)


def _stream(started: Started, writer: EventWriter) -> _EventStream:
    events = stream_events(started.collected, writer)
    return _EventStream(events, started.collected.answer.running)


async def _read_to_end(request: Request, collected: Collected) -> Collected:
    """Wait for the whole answer, but stop the model when the client leaves."""
    reading = asyncio.ensure_future(collected.collect())
    leaving = asyncio.ensure_future(_wait_for_disconnect(request))
    try:
        await asyncio.wait([reading, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            reading.cancel()
            return collected  # Nobody reads it.
        return reading.result()
    finally:
        leaving.cancel()
        reading.cancel()
        await collected.answer.running.stop()


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
