"""Counts what an answer takes, so that one which is cut before its end is not free."""

from collections.abc import Sequence

from src.chat.prompts import CAREFUL_BYTES_PER_TOKEN, count_tokens
from src.llm.schemas import ChatChunk, ChatMessage


class TokenMeter:
    """Fed with the pieces of an answer, of which only the last one tells the model's numbers.

    Until it has come, they are ours: a piece is a token, and the prompt as long as we reckon.
    """

    def __init__(self) -> None:
        self.last: ChatChunk | None = None
        self._pieces = 0

    def take(self, chunk: ChatChunk) -> None:
        self.last = chunk
        self._pieces += bool(chunk.content or chunk.thinking or chunk.tool_calls)

    def read(
        self, prompt: Sequence[ChatMessage], bytes_per_token: float = CAREFUL_BYTES_PER_TOKEN
    ) -> tuple[int, int] | None:
        """Return the tokens of prompt and answer; None before the model has said anything."""
        if self.last is None:
            return None
        if self.last.is_done:
            return self.last.prompt_tokens, self.last.completion_tokens
        return sum(count_tokens(message, bytes_per_token) for message in prompt), self._pieces
