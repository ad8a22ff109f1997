"""Learns how many bytes of a prompt a model spends a token on, from what it reports."""

from collections.abc import Sequence
from typing import Final

from src.chat.prompts import CAREFUL_BYTES_PER_TOKEN, TOKENS_PER_MESSAGE
from src.llm.schemas import ChatMessage

# Too few tokens say more about the template than about the text.
_ENOUGH_TOKENS: Final = 100
# What is learnt from other texts may be wrong for the next one.
_CAUTION: Final = 0.9
_WEIGHT_OF_NEW: Final = 0.2
_LEAST, _MOST = 1.0, 5.0
_SHRINKAGE: Final = 0.7


class TokenGauge:
    """One per process. A model counts as another one when its digest changes."""

    def __init__(self) -> None:
        self._bytes_per_token: dict[str, float] = {}

    def get(self, digest: str) -> float:
        return self._bytes_per_token.get(digest, CAREFUL_BYTES_PER_TOKEN)

    def observe(self, digest: str, messages: Sequence[ChatMessage], prompt_tokens: int) -> None:
        """Learn from a prompt. Denser text counts at once, lighter text little by little."""
        text_tokens = prompt_tokens - TOKENS_PER_MESSAGE * len(messages)
        if text_tokens < _ENOUGH_TOKENS:
            return
        size = sum(len(message.content.encode()) for message in messages)
        seen, known = _CAUTION * size / text_tokens, self.get(digest)
        self._set(digest, min(seen, known + _WEIGHT_OF_NEW * (seen - known)))

    def shrink(self, digest: str) -> None:
        """Take note that a prompt did not fit although it should have."""
        self._set(digest, self.get(digest) * _SHRINKAGE)

    def _set(self, digest: str, value: float) -> None:
        self._bytes_per_token[digest] = min(max(value, _LEAST), _MOST)
