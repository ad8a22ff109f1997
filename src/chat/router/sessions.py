"""Managing one's own chats: settings, messages, export and search."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response, status
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints

from src.auth.dependencies import CurrentUser
from src.chat import listing
from src.chat.dependencies import (
    ChatSearchServiceDep,
    ChatServiceDep,
    OwnedSession,
    SessionsDep,
)
from src.chat.exceptions import ChatSessionNotFoundError, MessageNotFoundError
from src.chat.export import ExportFormat, export_chat
from src.chat.schemas import (
    ChatExport,
    ChatSessionCreate,
    ChatSessionRead,
    ChatSessionUpdate,
    FoundMessageRead,
    MessagePage,
)
from src.database import SessionDep, release
from src.routes import API_PREFIX, ModuleRouter
from src.schemas import VISIBLE, Cursor, InvalidCursorError, Page, PageSize, problem_responses
from src.statements import StatementsDep

router = ModuleRouter(prefix=f"{API_PREFIX}/chat", tags=["chat"])

_MEDIA_TYPES: dict[ExportFormat, str] = {
    "json": "application/json",
    "markdown": "text/markdown; charset=utf-8",
}
_SUFFIXES: dict[ExportFormat, str] = {"json": "json", "markdown": "md"}

Leaf = Annotated[
    UUID | None,
    Query(description="Only the branch that ends with this message, from its first question on."),
]


@router.post("/sessions", status_code=status.HTTP_201_CREATED)
async def create_session(
    body: ChatSessionCreate, user: CurrentUser, service: ChatServiceDep
) -> ChatSessionRead:
    """Start an empty chat. A question without a `session_id` starts one by itself."""
    return ChatSessionRead.model_validate(await service.create_session(user.user_id, body))


@router.get("/sessions", responses=problem_responses(InvalidCursorError))
async def list_sessions(
    user: CurrentUser,
    statements: StatementsDep,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[PageSize, Query()] = 20,
    is_archived: Annotated[bool, Query(description="The archived ones instead.")] = False,
) -> Page[ChatSessionRead]:
    """List your chats, the last used first."""
    return await listing.list_sessions(
        statements, user.user_id, cursor, limit, is_archived=is_archived
    )


@router.get("/sessions/{session_id}", responses=problem_responses(ChatSessionNotFoundError))
async def get_session(chat: OwnedSession) -> ChatSessionRead:
    """Return a chat without its messages."""
    return ChatSessionRead.model_validate(chat)


@router.patch("/sessions/{session_id}", responses=problem_responses(ChatSessionNotFoundError))
async def update_session(
    body: ChatSessionUpdate, chat: OwnedSession, service: ChatServiceDep
) -> ChatSessionRead:
    """Rename a chat, archive it, or change how its questions are answered from now on."""
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
    "/sessions/{session_id}/messages",
    responses=problem_responses(ChatSessionNotFoundError, MessageNotFoundError, InvalidCursorError),
)
async def list_messages(
    chat: OwnedSession,
    service: ChatServiceDep,
    leaf: Leaf = None,
    cursor: Annotated[UUID | None, Query(description="`next_cursor` of a former page.")] = None,
    limit: Annotated[PageSize, Query()] = 50,
) -> MessagePage:
    """List the messages of a chat in their order, answers with their sources.

    `parent_id` leads from an answer to its question and from a question to the answer before it.
    """
    return await service.list_messages(chat, leaf, cursor, limit)


@router.get(
    "/sessions/{session_id}/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The chat with its messages.",
            "model": ChatExport,
            "content": {"text/markdown": {"schema": {"type": "string"}}},
        },
        **problem_responses(ChatSessionNotFoundError, MessageNotFoundError),
    },
)
async def export_session(
    chat: OwnedSession,
    service: ChatServiceDep,
    session: SessionDep,
    sessions: SessionsDep,
    form: Annotated[ExportFormat, Query(alias="format")] = "json",
    leaf: Leaf = None,
) -> Response:
    """Download a chat, or one branch of it, as JSON or Markdown."""
    if leaf is not None:
        await service.list_messages(chat, leaf, None, 1)  # An unknown leaf is an error in time.
    await release(session)
    name = f"chat-{chat.id}.{_SUFFIXES[form]}"
    return StreamingResponse(
        export_chat(sessions, chat, leaf, form),
        media_type=_MEDIA_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/search", responses=problem_responses(InvalidCursorError))
async def search_messages(
    user: CurrentUser,
    service: ChatSearchServiceDep,
    q: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
        VISIBLE,
        Query(description='Words that must all be there; also `"a phrase"`, `or` and `-not`.'),
    ],
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[PageSize, Query()] = 20,
) -> Page[FoundMessageRead]:
    """Search your own questions and answers, newest first."""
    return await service.search(user.user_id, q, cursor, limit)
