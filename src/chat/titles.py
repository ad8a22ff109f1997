"""Titles of chats: cut from the first question, or found by the model."""

from typing import Final
from uuid import UUID

from sqlalchemy import update

from src.chat.asides import ask_aside
from src.chat.models import ChatSession
from src.database import Sessions
from src.llm.resolved import ChatModel
from src.llm.service import LLMService

_TITLE_CHARACTERS: Final = 80
_TITLE_TOKENS: Final = 32
_EXCERPT_CHARACTERS: Final = 1000
_INSTRUCTION: Final = """\
Name the conversation below in at most six words, in its language. Reply with the name alone."""


def make_title(question: str) -> str:
    line = " ".join(question.split())
    if len(line) <= _TITLE_CHARACTERS:
        return line
    return line[: _TITLE_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"


async def retitle(
    sessions: Sessions,
    llm: LLMService,
    model: ChatModel,
    user_id: UUID,
    session_id: UUID,
    said: tuple[str, str],
) -> None:
    """Let the model name a chat from its first question and answer.

    A title that its user gave meanwhile stays. A model that fails changes nothing.
    """
    excerpts = [text[:_EXCERPT_CHARACTERS] for text in said]
    instruction = "\n\n".join([_INSTRUCTION, *excerpts])
    named = await ask_aside(llm, model, user_id, instruction, _TITLE_TOKENS)
    if title := make_title((named or "").strip("\"'*")):
        await _store(sessions, session_id, make_title(said[0]), title)


async def _store(sessions: Sessions, session_id: UUID, old: str, new: str) -> None:
    async with sessions.begin() as session:
        await session.execute(
            update(ChatSession)
            .where(ChatSession.id == session_id, ChatSession.title == old)
            .values(title=new)
        )
