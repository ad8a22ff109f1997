"""Full-text search over one's own chats."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, cast, func, select, tuple_
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from src.chat.models import ChatSession, Message
from src.chat.schemas import FoundMessageRead, HighlightRead
from src.schemas import Page, cut_page, decode_cursor

# Marks that PostgreSQL puts around what it found. They are taken out of the text before, and
# turned into positions after, so that nothing of a message can pass for a mark or for markup. It
# would also drop what looks like a tag: the third mark stands for `<` meanwhile.
_START: Final = "\x01"
_STOP: Final = "\x02"
_LESS: Final = "\x03"
_HEADLINE: Final = f'StartSel="{_START}", StopSel="{_STOP}", HighlightAll=true'
_SNIPPET_CHARACTERS: Final = 240
_CHARACTERS_BEFORE: Final = 60


class ChatSearchService:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def search(
        self, user_id: UUID, query: str, cursor: str | None, limit: int
    ) -> Page[FoundMessageRead]:
        """Page through the messages that hold the words of a query, newest first."""
        words = func.websearch_to_tsquery("simple", query, type_=TSQUERY)
        own_words = words.op("&&", return_type=TSQUERY())(_quote(user_id))
        # Headlines are costly: only those of the page are made.
        page = (
            select(Message.id, Message.created_at)
            .where(
                Message.status != "streaming",
                Message.words.op("@@")(own_words),
                func.numnode(words) > 0,
            )
            .order_by(Message.created_at.desc(), Message.id.desc())
            .limit(limit + 1)
        )
        if cursor is not None:
            page = page.where(tuple_(Message.created_at, Message.id) < decode_cursor(cursor))
        found = page.subquery()
        text = func.translate(Message.content, f"<{_START}{_STOP}{_LESS}", _LESS)
        rows = await self._session.execute(
            select(
                Message.id,
                Message.session_id,
                Message.role,
                Message.created_at,
                ChatSession.title,
                func.ts_headline("simple", text, words, _HEADLINE).label("headline"),
            )
            .join(found, found.c.id == Message.id)
            .join(ChatSession, ChatSession.id == Message.session_id)
            .order_by(Message.created_at.desc(), Message.id.desc())
        )
        items, next_cursor = cut_page(rows.all(), limit, lambda row: (row.created_at, row.id))
        return Page(items=[_describe(row) for row in items], next_cursor=next_cursor)


def _quote(user_id: UUID) -> ColumnElement[str]:
    """Make a query of the word that stands for a user in the index, taken as it is."""
    return cast(f"'{user_id}'", TSQUERY)


def _describe(row: Row[Any]) -> FoundMessageRead:
    snippet, highlights = cut_snippet(*read_headline(row.headline))
    return FoundMessageRead(
        session_id=row.session_id,
        session_title=row.title,
        message_id=row.id,
        role=row.role,
        snippet=snippet,
        highlights=highlights,
        created_at=row.created_at,
    )


def read_headline(headline: str) -> tuple[str, list[HighlightRead]]:
    """Turn the marks of a headline into positions in a plain text."""
    text = ""
    highlights = []
    for index, part in enumerate(headline.replace(_LESS, "<").split(_START)):
        found, _, rest = part.rpartition(_STOP) if index else ("", "", part)
        if found:
            highlights.append(HighlightRead(start=len(text), end=len(text) + len(found)))
        text += found + rest
    return text, highlights


def cut_snippet(text: str, highlights: list[HighlightRead]) -> tuple[str, list[HighlightRead]]:
    """Cut out the part of a text around what was found first."""
    first = highlights[0].start if highlights else 0
    start = max(first - _CHARACTERS_BEFORE, 0)
    if start:
        start = max(text.find(" ", start, first) + 1, start)  # At a word, if there is one.
    end = start + _SNIPPET_CHARACTERS
    inside = [
        HighlightRead(start=highlight.start - start, end=highlight.end - start)
        for highlight in highlights
        if highlight.end <= end
    ]
    return text[start:end], inside
