"""Asking questions, following and stopping answers."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

from fastapi import Header, Request, Response, status

from src.auth.dependencies import CurrentUser
from src.chat.dependencies import (
    AnotherAnswer,
    AnswerEngineDep,
    ChatServiceDep,
    ChatSettingsDep,
    OwnedAnswer,
    StartedAnswer,
)
from src.chat.events import Queued, StreamEvent
from src.chat.exceptions import (
    ChatSessionNotFoundError,
    IdempotencyKeyReusedError,
    MessageNotFoundError,
    NotAnAnswerError,
    PromptTooLongError,
)
from src.chat.following import Answer
from src.chat.live import BEFORE_START, ENDED
from src.chat.schemas import AnswerRead, FeedbackRead, FeedbackUpdate, MessageRead
from src.config import ChatSettings
from src.database import DatabaseUnavailableError, SessionDep, release
from src.documents.exceptions import VectorsUnavailableError
from src.llm.exceptions import (
    MODEL_ERRORS,
    ContextLengthExceededError,
    ModelCapabilityError,
    ModelNotFoundError,
    QuotaExceededError,
)
from src.routes import API_PREFIX, ModuleRouter
from src.schemas import problem_responses
from src.sse import EVENT_STREAM, EventStreamResponse, encode_event

router = ModuleRouter(prefix=f"{API_PREFIX}/chat", tags=["chat"])

_ASKING_ERRORS = (
    ModelCapabilityError,
    ContextLengthExceededError,
    ChatSessionNotFoundError,
    MessageNotFoundError,
    ModelNotFoundError,
    NotAnAnswerError,
    IdempotencyKeyReusedError,
    PromptTooLongError,
    QuotaExceededError,
    *MODEL_ERRORS,
    VectorsUnavailableError,
    DatabaseUnavailableError,
)


@router.post("/query", responses=problem_responses(*_ASKING_ERRORS))
async def ask(answer: StartedAnswer) -> AnswerRead:
    """Ask a question and wait for the whole answer.

    The answer goes on and is stored when you leave: find it among the messages of the chat.
    """
    return _summarise(await answer.wait())


@router.post(
    "/query/stream",
    response_class=EventStreamResponse,
    responses={
        200: {"model": StreamEvent, "description": "Server-sent events; `event:` is the type."},
        **problem_responses(*_ASKING_ERRORS),
    },
)
async def ask_stream(answer: StartedAnswer, settings: ChatSettingsDep) -> Response:
    """Ask a question and follow the answer as it grows.

    The events are `message.started`, `sources`, then `answer.delta` (and `thinking.delta`), and
    at the end either `message.completed` or `error`. The answer goes on when you leave.
    """
    return _stream(answer, settings)


@router.get("/messages/{message_id}", responses=problem_responses(MessageNotFoundError))
async def get_message(message_id: UUID, user: CurrentUser, service: ChatServiceDep) -> MessageRead:
    """Return a message; an answer that is still `streaming` shows what there is so far."""
    return await service.get_message(user.user_id, message_id)


@router.get(
    "/messages/{message_id}/stream",
    response_class=EventStreamResponse,
    responses={
        200: {"model": StreamEvent, "description": "Server-sent events; `event:` is the type."},
        204: {"description": "You have seen the end of this answer."},
        **problem_responses(MessageNotFoundError, NotAnAnswerError, DatabaseUnavailableError),
    },
)
async def resume_stream(
    message: OwnedAnswer,
    session: SessionDep,
    engine: AnswerEngineDep,
    settings: ChatSettingsDep,
    last_event_id: Annotated[
        int | None,
        Header(
            alias="Last-Event-ID",
            ge=0,
            le=ENDED,
            description="The `id:` of the last event that you have.",
        ),
    ] = None,
) -> Response:
    """Follow an answer from where you lost it, whichever process generates it.

    Without `Last-Event-ID` it starts from the beginning. An answer that is over is told once more.
    """
    await release(session)
    if last_event_id == ENDED:
        return Response(status_code=status.HTTP_204_NO_CONTENT)
    cursor = BEFORE_START if last_event_id is None else last_event_id
    return _stream(engine.open(message.id), settings, cursor)


@router.post(
    "/messages/{message_id}/stop",
    responses=problem_responses(MessageNotFoundError, NotAnAnswerError),
)
async def stop_message(
    message: OwnedAnswer,
    user: CurrentUser,
    session: SessionDep,
    service: ChatServiceDep,
    engine: AnswerEngineDep,
) -> MessageRead:
    """Stop an answer and keep what there is of it. One that is over stays as it is."""
    await service.request_stop(message.id)
    await release(session)
    await engine.stop(message.id)
    return await service.get_message(user.user_id, message.id)


@router.post(
    "/messages/{message_id}/regenerate",
    response_model=AnswerRead,
    responses={
        200: {
            "description": "The whole answer, or its events if you accept `text/event-stream`.",
            "content": {EVENT_STREAM: {"schema": {"$ref": "#/components/schemas/StreamEvent"}}},
        },
        **problem_responses(*_ASKING_ERRORS),
    },
)
async def regenerate_message(
    request: Request, answer: AnotherAnswer, settings: ChatSettingsDep
) -> AnswerRead | Response:
    """Answer the same question once more. The answers that it has stay, each on its own branch."""
    if EVENT_STREAM in request.headers.get("Accept", ""):
        return _stream(answer, settings)
    return _summarise(await answer.wait())


@router.put(
    "/messages/{message_id}/feedback",
    responses=problem_responses(MessageNotFoundError, NotAnAnswerError),
)
async def set_feedback(
    message: OwnedAnswer, body: FeedbackUpdate, service: ChatServiceDep
) -> FeedbackRead:
    """Say whether an answer was good. What was said before is replaced."""
    return await service.set_feedback(message.id, body)


@router.delete(
    "/messages/{message_id}/feedback",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(MessageNotFoundError, NotAnAnswerError),
)
async def delete_feedback(message: OwnedAnswer, service: ChatServiceDep) -> None:
    """Take back what was said about an answer."""
    await service.delete_feedback(message.id)


def _stream(answer: Answer, settings: ChatSettings, cursor: int = BEFORE_START) -> Response:
    return EventStreamResponse(_encode(answer, cursor), settings.ping_seconds)


async def _encode(answer: Answer, cursor: int) -> AsyncGenerator[bytes]:
    async with aclosing(answer.follow(cursor)) as events:
        async for position, event in events:
            # A place in the queue is nothing to come back to.
            yield encode_event(event, None if isinstance(event, Queued) else position)


def _summarise(message: MessageRead) -> AnswerRead:
    return AnswerRead(
        session_id=message.session_id,
        message_id=message.id,
        status=message.status,
        answer=message.content,
        sources=message.sources,
        usage=message.usage,
    )
