"""Titles of chats: cut from the first question, or found by the model."""

from contextlib import aclosing
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import update

from src.chat.models import ChatSession
from src.database import Sessions
from src.exceptions import AppError
from src.llm.resolved import ChatModel
from src.llm.schemas import ChatMessage, ChatOptions
from src.llm.service import LLMService

log = structlog.get_logger(__name__)

_TITLE_CHARACTERS: Final = 80
_EXCERPT_CHARACTERS: Final = 1000
_INSTRUCTION: Final = """\
Name the conversation below in at most six words, in its language. Reply with the name alone."""


def make_title(question: str) -> str:
    line = " ".join(question.split())
    if len(line) <= _TITLE_CHARACTERS:
        return line
    return line[: _TITLE_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"


async def retitle(
    sessions: Sessions, llm: LLMService, model: ChatModel, session_id: UUID, said: tuple[str, str]
) -> None:
    """Let the model name a chat from its first question and answer.

    A title that its user gave meanwhile stays. A model that fails changes nothing.
    """
    question, answer = said
    content = (
        f"{_INSTRUCTION}\n\n{question[:_EXCERPT_CHARACTERS]}\n\n{answer[:_EXCERPT_CHARACTERS]}"
    )
    stream = llm.stream_chat(
        model, [ChatMessage("user", content)], options=ChatOptions(temperature=0, num_predict=32)
    )
    try:
        async with aclosing(stream):
            named = "".join([chunk.content async for chunk in stream])
        if title := make_title(named.replace("\0", "").strip().strip("\"'*")):
            await _store(sessions, session_id, make_title(question), title)
    except AppError as exc:
        log.warning("no title found", code=exc.code)


async def _store(sessions: Sessions, session_id: UUID, old: str, new: str) -> None:
    async with sessions.begin() as session:
        await session.execute(
            update(ChatSession)
            .where(ChatSession.id == session_id, ChatSession.title == old)
            .values(title=new)
        )
