"""The list of a user's chats, which a client asks for each time it is opened."""

from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select, tuple_

from src.chat.models import ChatSession
from src.chat.schemas import ChatSessionRead
from src.schemas import Page, cut_page, decode_cursor
from src.statements import CompiledStatement, Statements

_POSITION: Final = tuple_(ChatSession.updated_at, ChatSession.id)
_FIRST: Final = (
    select(*(getattr(ChatSession, name) for name in ChatSessionRead.model_fields))
    .where(
        ChatSession.user_id == bindparam("user_id"),
        ChatSession.archived_at.is_not(None) == bindparam("is_archived"),
    )
    .order_by(ChatSession.updated_at.desc(), ChatSession.id.desc())
    .limit(bindparam("limit"))
)
_FIRST_PAGE: Final = CompiledStatement(_FIRST)
_NEXT_PAGE: Final = CompiledStatement(
    _FIRST.where(tuple_(bindparam("updated_at"), bindparam("id")) > _POSITION)
)


async def list_sessions(
    statements: Statements, user_id: UUID, cursor: str | None, limit: int, *, is_archived: bool
) -> Page[ChatSessionRead]:
    """Page through the chats of a user, the last used first."""
    values: dict[str, object] = {"user_id": user_id, "is_archived": is_archived, "limit": limit + 1}
    query = _FIRST_PAGE
    if cursor is not None:
        query = _NEXT_PAGE
        values["updated_at"], values["id"] = decode_cursor(cursor)
    rows = await statements.fetch_all(query, **values)
    page, next_cursor = cut_page(rows, limit, lambda row: (row["updated_at"], row["id"]))
    return Page(
        items=[ChatSessionRead.model_validate(row) for row in page], next_cursor=next_cursor
    )
