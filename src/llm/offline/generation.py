"""What the offline chat model says to a request, before it is sent anywhere."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from src.llm.offline.answering import answer
from src.llm.offline.refusals import RefusedError
from src.llm.offline.tokens import count_tokens, keep_last_tokens, split_tokens
from src.llm.schemas import ChatMessage
from src.llm.wire import GoModel

_DEFAULT_NUM_CTX = 4096


class Options(GoModel):
    """Sampling options are accepted and have no effect: the answer is always the same."""

    num_ctx: int = _DEFAULT_NUM_CTX
    num_predict: int = -1
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    prompt_tokens: int
    tokens: Sequence[str]
    done_reason: Literal["stop", "length"]

    @property
    def text(self) -> str:
        return "".join(self.tokens)


def generate(
    messages: Sequence[ChatMessage], options: Options, *, num_ctx: int, truncate: bool
) -> Generation:
    fitting = _fit_messages(messages, num_ctx, truncate=truncate)
    prompt_tokens = _count_all(fitting)
    tokens = split_tokens(_cut_at_stops(answer(fitting), options.stop))
    room = num_ctx - prompt_tokens
    limit = room if options.num_predict < 0 else min(room, options.num_predict)
    return Generation(prompt_tokens, tokens[:limit], "stop" if len(tokens) <= limit else "length")


def _fit_messages(
    messages: Sequence[ChatMessage], num_ctx: int, *, truncate: bool
) -> list[ChatMessage]:
    """Drop the oldest messages that are neither system messages nor the last, as Ollama does.

    When that is not enough, the front of the last message goes as well.
    """
    kept = list(messages)
    if _count_all(kept) >= num_ctx and not truncate:
        raise RefusedError(400, _overflow_message(_count_all(kept), num_ctx))
    while _count_all(kept) >= num_ctx and (oldest := _find_oldest(kept)) is not None:
        del kept[oldest]
    excess = _count_all(kept) - num_ctx + 1
    if excess > 0:
        last = kept[-1]
        room = max(count_tokens(last.content) - excess, 1)
        kept[-1] = ChatMessage(last.role, keep_last_tokens(last.content, room))
    return kept


def _find_oldest(messages: Sequence[ChatMessage]) -> int | None:
    earlier = enumerate(messages[:-1])
    return next((index for index, message in earlier if message.role != "system"), None)


def _count_all(messages: Sequence[ChatMessage]) -> int:
    return sum(count_tokens(message.content) for message in messages)


def _overflow_message(prompt_tokens: int, num_ctx: int) -> str:
    """Ollama puts the JSON text of its runner into its own error."""
    error = {
        "code": 400,
        "message": "the request exceeds the available context size, try increasing it",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": prompt_tokens,
        "n_ctx": num_ctx,
    }
    return json.dumps({"error": error})


def _cut_at_stops(text: str, stops: Sequence[str]) -> str:
    ends = [text.find(stop) for stop in stops if stop]
    return text[: min((end for end in ends if end >= 0), default=len(text))]
