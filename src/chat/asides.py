"""Short questions to a model on the side, which an answer can do without."""

from contextlib import aclosing
from uuid import UUID

import structlog

from src.exceptions import AppError
from src.llm.resolved import ChatModel
from src.llm.schemas import ChatMessage, ChatOptions
from src.llm.service import LLMService

log = structlog.get_logger(__name__)


async def ask_aside(
    llm: LLMService, model: ChatModel, user_id: UUID, question: str, most_tokens: int
) -> str | None:
    """Return what the model says, in the turn of a user; None when it fails or says nothing."""
    options = ChatOptions(temperature=0, num_predict=most_tokens)
    messages = [ChatMessage("user", question)]
    stream = llm.stream_chat(model, messages, options=options, user_id=user_id)
    try:
        async with aclosing(stream):
            said = "".join([chunk.content async for chunk in stream])
    except AppError as exc:
        log.warning("question on the side failed", code=exc.code)
        return None
    return said.replace("\0", "").strip() or None
