"""Makes the text that a follow-up question is searched with, in the light of the conversation."""

from collections.abc import Sequence
from typing import Final, Literal
from uuid import UUID

from src.chat.asides import ask_aside
from src.llm.resolved import ChatModel
from src.llm.schemas import ChatMessage
from src.llm.service import LLMService

_EARLIER_CHARACTERS: Final = 500
_MESSAGE_CHARACTERS: Final = 1000
_MESSAGES: Final = 4
_REWRITE_CHARACTERS: Final = 1000
_REWRITE_TOKENS: Final = 128

_INSTRUCTION = """\
Rewrite the last question of this conversation so that it can be understood without the rest: put \
in what its pronouns and omissions refer to. Keep its language. Reply with the question alone."""


async def make_search_text(
    query: str,
    history: Sequence[ChatMessage],
    mode: Literal["joined", "model", "off"],
    llm: LLMService,
    model: ChatModel,
    user_id: UUID,
) -> str:
    if mode == "off" or not history:
        return query
    if mode == "model" and (rewritten := await _rewrite(query, history, llm, model, user_id)):
        return rewritten
    return join_questions(query, history)


def join_questions(query: str, history: Sequence[ChatMessage]) -> str:
    """Put the question before it in front: what a pronoun refers to is likely named there."""
    earlier = [message.content for message in history if message.role == "user"]
    return f"{earlier[-1][-_EARLIER_CHARACTERS:]}\n{query}" if earlier else query


async def _rewrite(
    query: str, history: Sequence[ChatMessage], llm: LLMService, model: ChatModel, user_id: UUID
) -> str | None:
    """Ask the model; a search with less context is better than no answer when it fails."""
    said = [f"{m.role}: {m.content[:_MESSAGE_CHARACTERS]}" for m in history[-_MESSAGES:]]
    instruction = "\n".join([_INSTRUCTION, "", *said, f"user: {query}"])
    rewritten = await ask_aside(llm, model, user_id, instruction, _REWRITE_TOKENS)
    return rewritten and rewritten[:_REWRITE_CHARACTERS]
