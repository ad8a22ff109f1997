"""Makes the text that a follow-up question is searched with, in the light of the conversation."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Final, Literal

import structlog

from src.exceptions import AppError
from src.llm.resolved import ChatModel
from src.llm.schemas import ChatMessage, ChatOptions
from src.llm.service import LLMService

log = structlog.get_logger(__name__)

_EARLIER_CHARACTERS: Final = 500
_MESSAGE_CHARACTERS: Final = 1000
_MESSAGES: Final = 4
_REWRITE_CHARACTERS: Final = 1000

_INSTRUCTION = """\
Rewrite the last question of this conversation so that it can be understood without the rest: put \
in what its pronouns and omissions refer to. Keep its language. Reply with the question alone."""


async def make_search_text(
    query: str,
    history: Sequence[ChatMessage],
    mode: Literal["joined", "model", "off"],
    llm: LLMService,
    model: ChatModel,
) -> str:
    if mode == "off" or not history:
        return query
    if mode == "model" and (rewritten := await _rewrite(query, history, llm, model)):
        return rewritten
    return join_questions(query, history)


def join_questions(query: str, history: Sequence[ChatMessage]) -> str:
    """Put the question before it in front: what a pronoun refers to is likely named there."""
    earlier = [message.content for message in history if message.role == "user"]
    return f"{earlier[-1][-_EARLIER_CHARACTERS:]}\n{query}" if earlier else query


async def _rewrite(
    query: str, history: Sequence[ChatMessage], llm: LLMService, model: ChatModel
) -> str | None:
    """Ask the model; a search with less context is better than no answer when it fails."""
    said = [f"{m.role}: {m.content[:_MESSAGE_CHARACTERS]}" for m in history[-_MESSAGES:]]
    content = "\n".join([_INSTRUCTION, "", *said, f"user: {query}"])
    options = ChatOptions(temperature=0, num_predict=128)
    stream = llm.stream_chat(model, [ChatMessage("user", content)], options=options)
    try:
        async with aclosing(stream):
            text = "".join([chunk.content async for chunk in stream])
    except AppError as exc:
        log.warning("follow-up question not rewritten", code=exc.code)
        return None
    return text.strip()[:_REWRITE_CHARACTERS] or None
