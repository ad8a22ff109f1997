"""How an answer looks in OpenAI's API: whole, or as the events of a stream."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from src.chat.openai.conversion import find_annotations, mark_cited, write_tool_call
from src.chat.openai.schemas import (
    Annotation,
    ChatCompletion,
    Choice,
    ErrorOut,
    MessageOut,
    TextChoice,
    TextCompletion,
    ToolCallOut,
    Usage,
)
from src.chat.openai.service import Answer
from src.chat.schemas import SourceRead
from src.exceptions import AppError
from src.llm.schemas import ChatChunk

FinishReason = Literal["stop", "length", "tool_calls"]
JSON = dict[str, Any]

DONE = b"data: [DONE]\n\n"


@dataclass(slots=True)
class Collected:
    """What came of an answer so far."""

    answer: Answer
    base_url: str
    content: str = ""
    thinking: str = ""
    tool_calls: list[ToolCallOut] = field(default_factory=list)
    last: ChatChunk = field(default_factory=ChatChunk)

    def take(self, chunk: ChatChunk) -> list[ToolCallOut]:
        """Add a piece; return the tool calls in it, as they are written."""
        calls = [write_tool_call(call) for call in chunk.tool_calls]
        self.content += chunk.content
        self.thinking += chunk.thinking
        self.tool_calls += calls
        self.last = chunk
        return calls

    async def collect(self) -> "Collected":
        """Read to the end."""
        while not self.last.is_done:
            self.take(await self.answer.running.next())
        return self

    @property
    def finish_reason(self) -> FinishReason:
        if self.tool_calls:
            return "tool_calls"
        return "length" if self.last.done_reason == "length" else "stop"

    @property
    def annotations(self) -> list[Annotation]:
        return find_annotations(self.content, self.answer.sources or (), self.base_url)

    @property
    def sources(self) -> list[SourceRead] | None:
        sources = self.answer.sources
        return None if sources is None else mark_cited(self.content, sources)

    @property
    def usage(self) -> Usage:
        prompt, completion = self.last.prompt_tokens, self.last.completion_tokens
        return Usage(
            prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion
        )


def write_chat_completion(collected: Collected) -> ChatCompletion:
    message = MessageOut(
        content=collected.content if collected.content or not collected.tool_calls else None,
        reasoning_content=collected.thinking or None,
        annotations=collected.annotations,
        tool_calls=collected.tool_calls or None,
    )
    return ChatCompletion(
        id=collected.answer.id,
        created=collected.answer.created,
        model=collected.answer.model,
        choices=[Choice(message=message, finish_reason=collected.finish_reason)],
        usage=collected.usage,
        sources=collected.sources,
    )


def write_text_completion(collected: Collected) -> TextCompletion:
    return TextCompletion(
        id=collected.answer.id,
        created=collected.answer.created,
        model=collected.answer.model,
        choices=[TextChoice(text=collected.content, finish_reason=collected.finish_reason)],
        usage=collected.usage,
        sources=collected.sources,
    )


class EventWriter(Protocol):
    """How one of the endpoints writes an answer as it grows."""

    def begin(self, collected: Collected) -> list[bytes]: ...

    def write(self, chunk: ChatChunk, collected: Collected) -> list[bytes]: ...

    def fail(self, error: AppError) -> bytes: ...


async def stream_events(collected: Collected, writer: EventWriter) -> AsyncIterator[bytes]:
    """Write what each piece adds.

    A failure is one last event: without `[DONE]` nobody takes the answer for a whole one.
    """
    for event in writer.begin(collected):
        yield event
    try:
        while not collected.last.is_done:
            for event in writer.write(await collected.answer.running.next(), collected):
                yield event
    except AppError as error:
        yield writer.fail(error)
        return
    yield DONE


def encode_failure(error: AppError) -> bytes:
    return encode_event(ErrorOut.from_error(error).model_dump())


class ChatEvents:
    """Writes the chunks of `chat/completions`."""

    def __init__(self, *, has_usage: bool) -> None:
        self._has_usage = has_usage
        self._call_count = 0

    def begin(self, collected: Collected) -> list[bytes]:
        return [self._encode(collected, {"role": "assistant", "content": ""})]

    def fail(self, error: AppError) -> bytes:
        return encode_failure(error)

    def write(self, chunk: ChatChunk, collected: Collected) -> list[bytes]:
        calls = collected.take(chunk)
        deltas: list[JSON] = []
        if chunk.thinking:
            deltas.append({"reasoning_content": chunk.thinking})
        if chunk.content:
            deltas.append({"content": chunk.content})
        if calls:
            deltas.append({"tool_calls": self._number(calls)})
        events = [self._encode(collected, delta) for delta in deltas]
        return [*events, *self._end(collected)] if chunk.is_done else events

    def _number(self, calls: list[ToolCallOut]) -> list[JSON]:
        first = self._call_count
        self._call_count += len(calls)
        return [{"index": index, **call.model_dump()} for index, call in enumerate(calls, first)]

    def _end(self, collected: Collected) -> list[bytes]:
        events = []
        if annotations := [annotation.model_dump() for annotation in collected.annotations]:
            events.append(self._encode(collected, {"annotations": annotations}))
        sources = collected.sources
        extra = {} if sources is None else {"sources": _dump_all(sources)}
        events.append(self._encode(collected, {}, collected.finish_reason, **extra))
        if self._has_usage:
            event = {**_describe_chunk(collected, "chat.completion.chunk"), "choices": []}
            events.append(encode_event({**event, "usage": collected.usage.model_dump()}))
        return events

    def _encode(
        self, collected: Collected, delta: JSON, finish_reason: str | None = None, **extra: object
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        event = {**_describe_chunk(collected, "chat.completion.chunk"), "choices": [choice]}
        return encode_event({**event, **extra})


class TextEvents:
    """Writes the chunks of the older `completions`."""

    def __init__(self, *, has_usage: bool) -> None:
        self._has_usage = has_usage

    def begin(self, _collected: Collected) -> list[bytes]:
        return []

    def fail(self, error: AppError) -> bytes:
        return encode_failure(error)

    def write(self, chunk: ChatChunk, collected: Collected) -> list[bytes]:
        collected.take(chunk)
        events = [self._encode(collected, chunk.content)] if chunk.content else []
        if chunk.is_done:
            sources = collected.sources
            extra = {} if sources is None else {"sources": _dump_all(sources)}
            events.append(self._encode(collected, "", collected.finish_reason, **extra))
        if chunk.is_done and self._has_usage:
            event = {**_describe_chunk(collected, "text_completion"), "choices": []}
            events.append(encode_event({**event, "usage": collected.usage.model_dump()}))
        return events

    def _encode(
        self, collected: Collected, text: str, finish_reason: str | None = None, **extra: object
    ) -> bytes:
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish_reason}
        event = {**_describe_chunk(collected, "text_completion"), "choices": [choice]}
        return encode_event({**event, **extra})


def encode_event(data: JSON) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"data: {text}\n\n".encode()


def _describe_chunk(collected: Collected, kind: str) -> JSON:
    answer = collected.answer
    return {"id": answer.id, "object": kind, "created": answer.created, "model": answer.model}


def _dump_all(sources: list[SourceRead]) -> list[JSON]:
    return [source.model_dump(mode="json") for source in sources]
