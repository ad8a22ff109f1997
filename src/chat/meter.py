"""Counts and times what an answer takes, so that one which is cut before its end is not free."""

import time
from collections.abc import Sequence

from src.chat.prompts import CAREFUL_BYTES_PER_TOKEN, Prompt, count_tokens
from src.chat.schemas import AnswerUsage
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


class AnswerClock:
    """Runs from the question on; all times are in milliseconds since then."""

    def __init__(self) -> None:
        self._started_at = time.perf_counter()
        self._retrieval_ms = 0
        self.first_token_ms = 0

    @property
    def elapsed_ms(self) -> int:
        return round((time.perf_counter() - self._started_at) * 1000)

    def note_retrieval(self) -> None:
        self._retrieval_ms = self.elapsed_ms

    def note_first_token(self) -> None:
        self.first_token_ms = self.elapsed_ms

    def measure(self, prompt: Prompt, tokens: tuple[int, int]) -> AnswerUsage:
        prompt_tokens, completion_tokens = tokens
        return AnswerUsage(
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            omitted_messages=prompt.omitted_messages,
            omitted_passages=prompt.omitted_passages,
            retrieval_ms=self._retrieval_ms,
            first_token_ms=self.first_token_ms,
            total_ms=self.elapsed_ms,
        )
