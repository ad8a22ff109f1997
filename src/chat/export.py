"""Writes a whole chat, or one branch of it, page by page: no connection waits for the reader."""

import re
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Literal
from uuid import UUID

from src.chat.models import ChatSession
from src.chat.schemas import ChatSessionRead, MessageRead
from src.chat.service import ChatService
from src.database import Sessions

ExportFormat = Literal["json", "markdown"]

_PAGE_SIZE = 100
_MARKUP = re.compile(r"([\\`*_\[\]<>#])")


def export_chat(
    sessions: Sessions, chat: ChatSession, leaf_id: UUID | None, form: ExportFormat
) -> AsyncGenerator[str]:
    messages = _read_messages(sessions, chat, leaf_id)
    return _write_markdown(chat, messages) if form == "markdown" else _write_json(chat, messages)


async def _read_messages(
    sessions: Sessions, chat: ChatSession, leaf_id: UUID | None
) -> AsyncGenerator[MessageRead]:
    after: UUID | None = None
    while True:
        async with sessions() as session:
            page = await ChatService(session).list_messages(chat, leaf_id, after, _PAGE_SIZE)
        for message in page.items:
            yield message
        after = page.next_cursor
        if after is None:
            return


async def _write_json(
    chat: ChatSession, messages: AsyncIterable[MessageRead]
) -> AsyncGenerator[str]:
    yield f'{{"session":{ChatSessionRead.model_validate(chat).model_dump_json()},"messages":['
    separator = ""
    async for message in messages:
        yield f"{separator}{message.model_dump_json()}"
        separator = ","
    yield "]}"


async def _write_markdown(
    chat: ChatSession, messages: AsyncIterable[MessageRead]
) -> AsyncGenerator[str]:
    yield f"# {_escape(chat.title)}\n"
    async for message in messages:
        yield _render_message(message)


def _render_message(message: MessageRead) -> str:
    heading = "Question" if message.role == "user" else f"Answer ({message.model})"
    state = "" if message.status == "completed" else f" [{message.status}]"
    parts = [f"\n## {heading}{state}\n", f"{message.content}\n"]
    cited = [source for source in message.sources if source.is_cited]
    if cited:
        parts.append("Sources:\n")
        parts += [
            f"- [{source.number}] {_escape(source.title)}{_render_pages(source.page_first)}"
            for source in cited
        ]
        parts.append("")
    return "\n".join(parts)


def _render_pages(first: int | None) -> str:
    return "" if first is None else f", page {first}"


def _escape(text: str) -> str:
    """Show a title as it is: it is a name, not Markdown of its own."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
