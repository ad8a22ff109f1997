"""Asking questions, and managing one's own chats."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status
from fastapi.sse import EventSourceResponse, ServerSentEvent

from src.auth.dependencies import AUTHENTICATION_ERRORS, CurrentUser
from src.chat.dependencies import ChatServiceDep, OwnedSession, StartedAnswer
from src.chat.events import StreamEvent
from src.chat.exceptions import (
    ChatSessionNotFoundError,
    MessageNotFoundError,
    PromptTooLongError,
)
from src.chat.schemas import (
    AnswerRead,
    ChatSessionCreate,
    ChatSessionRead,
    ChatSessionUpdate,
    MessagePage,
    MessageRead,
)
from src.database import DatabaseUnavailableError
from src.documents.exceptions import VectorsUnavailableError
from src.llm.exceptions import (
    ContextLengthExceededError,
    LLMFailedError,
    LLMInvalidResponseError,
    LLMTimedOutError,
    LLMUnavailableError,
    ModelCapabilityError,
    ModelMissingError,
    ModelNotFoundError,
)
from src.schemas import Cursor, InvalidCursorError, Page, PageSize, problem_responses

router = APIRouter(
    prefix="/chat", tags=["chat"], responses=problem_responses(*AUTHENTICATION_ERRORS)
)

_ASKING_ERRORS = (
    ModelCapabilityError,
    ContextLengthExceededError,
    ChatSessionNotFoundError,
    ModelNotFoundError,
    PromptTooLongError,
    LLMFailedError,
    LLMInvalidResponseError,
    LLMUnavailableError,
    ModelMissingError,
    VectorsUnavailableError,
    DatabaseUnavailableError,
    LLMTimedOutError,
)


@router.post("/query", responses=problem_responses(*_ASKING_ERRORS))
async def ask(live: StartedAnswer) -> AnswerRead:
    """Ask a question and wait for the whole answer.

    The answer goes on and is stored when you leave: find it among the messages of the chat.
    """
    message = await live.wait()
    return AnswerRead(
        session_id=message.session_id,
        message_id=message.id,
        status=message.status,
        answer=message.content,
        sources=message.sources,
        usage=message.usage,
    )


@router.post(
    "/query/stream",
    response_class=EventSourceResponse,
    responses={
        200: {"model": StreamEvent, "description": "Server-sent events; `event:` is the type."},
        **problem_responses(*_ASKING_ERRORS),
    },
)
async def ask_stream(live: StartedAnswer) -> AsyncIterator[ServerSentEvent]:
    """Ask a question and follow the answer as it grows.

    The events are `message.started`, `sources`, then `answer.delta` (and `thinking.delta`), and
    at the end either `message.completed` or `error`. The answer goes on when you leave.
    """
    async with aclosing(live.follow()) as events:
        async for positioned in events:
            yield ServerSentEvent(
                raw_data=positioned.event.model_dump_json(),
                event=positioned.event.type,
                id=str(positioned.cursor),
            )


@router.post("/sessions", status_code=status.HTTP_201_CREATED)
async def create_session(
    body: ChatSessionCreate, user: CurrentUser, service: ChatServiceDep
) -> ChatSessionRead:
    """Start an empty chat. A question without a `session_id` starts one by itself."""
    return ChatSessionRead.model_validate(await service.create_session(user.user_id, body))


@router.get("/sessions", responses=problem_responses(InvalidCursorError))
async def list_sessions(
    user: CurrentUser,
    service: ChatServiceDep,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[PageSize, Query()] = 20,
) -> Page[ChatSessionRead]:
    """List your chats, the last used first."""
    return await service.list_sessions(user.user_id, cursor, limit)


@router.get("/sessions/{session_id}", responses=problem_responses(ChatSessionNotFoundError))
async def get_session(chat: OwnedSession) -> ChatSessionRead:
    """Return a chat without its messages."""
    return ChatSessionRead.model_validate(chat)


@router.patch("/sessions/{session_id}", responses=problem_responses(ChatSessionNotFoundError))
async def update_session(
    body: ChatSessionUpdate, chat: OwnedSession, service: ChatServiceDep
) -> ChatSessionRead:
    """Rename a chat."""
    return ChatSessionRead.model_validate(await service.update_session(chat, body))


@router.delete(
    "/sessions/{session_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(ChatSessionNotFoundError),
)
async def delete_session(chat: OwnedSession, service: ChatServiceDep) -> None:
    """Delete a chat with all its messages."""
    await service.delete_session(chat)


@router.get(
    "/sessions/{session_id}/messages", responses=problem_responses(ChatSessionNotFoundError)
)
async def list_messages(
    chat: OwnedSession,
    service: ChatServiceDep,
    cursor: Annotated[UUID | None, Query(description="`next_cursor` of a former page.")] = None,
    limit: Annotated[PageSize, Query()] = 50,
) -> MessagePage:
    """List the messages of a chat in their order, answers with their sources."""
    return await service.list_messages(chat, cursor, limit)


@router.get("/messages/{message_id}", responses=problem_responses(MessageNotFoundError))
async def get_message(message_id: UUID, user: CurrentUser, service: ChatServiceDep) -> MessageRead:
    """Return a message; an answer that is still `streaming` shows what there is so far."""
    return await service.get_message(user.user_id, message_id)
