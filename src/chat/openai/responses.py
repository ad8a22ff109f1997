"""OpenAI's newer endpoint, `responses`: the same answers in another shape. Nothing is stored."""

import json
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from src.chat.openai.conversion import read_effort, read_messages, read_response_format
from src.chat.openai.exceptions import InvalidParameterError, UnsupportedParameterError
from src.chat.openai.rendering import JSON, Collected
from src.chat.openai.schemas import (
    Effort,
    ErrorOut,
    GenerationCreate,
    Lenient,
    MessageIn,
    Part,
    ToolCallIn,
)
from src.chat.openai.service import TextRequest
from src.chat.schemas import SourceRead
from src.database import new_id
from src.exceptions import AppError
from src.llm.schemas import ChatChunk, ChatOptions


class InputItem(Lenient):
    type: str = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: str | list[Part] | None = None
    call_id: str | None = None
    name: str = ""
    arguments: str = "{}"
    output: str | list[Part] = ""


class TextConfig(Lenient):
    format: dict[str, Any] | None = None


class ReasoningConfig(Lenient):
    effort: Effort | None = None


class ResponseCreate(GenerationCreate):
    input: str | list[InputItem]
    instructions: str | None = None
    max_output_tokens: int | None = Field(None, ge=1)
    text: TextConfig | None = None
    reasoning: ReasoningConfig | None = None
    tools: list[dict[str, Any]] | None = Field(None, max_length=128)
    tool_choice: str | dict[str, Any] | None = None
    previous_response_id: str | None = None
    conversation: str | dict[str, Any] | None = None


class ResponseOut(BaseModel):
    """As OpenAI's client reads it; `sources` are not OpenAI's."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: Literal["in_progress", "completed", "incomplete", "failed"]
    model: str
    output: list[dict[str, Any]]
    usage: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    incomplete_details: dict[str, str] | None = None
    instructions: None = None
    metadata: dict[str, str] = {}
    parallel_tool_calls: bool = True
    tool_choice: str = "auto"
    tools: list[dict[str, Any]] = []
    temperature: float | None = None
    top_p: float | None = None
    sources: list[SourceRead] | None = None


def read_request(body: ResponseCreate) -> TextRequest:
    for field in ("previous_response_id", "conversation"):
        if getattr(body, field) is not None:
            raise UnsupportedParameterError(
                field, "Nothing is stored here: send the whole conversation as `input`."
            )
    items = (
        [InputItem(role="user", content=body.input)] if isinstance(body.input, str) else body.input
    )
    messages = [_read_item(item) for item in items]
    if body.instructions:
        messages.insert(0, MessageIn(role="system", content=body.instructions))
    if not messages:
        raise InvalidParameterError("input", "There is nothing to answer.")
    return TextRequest(
        messages=read_messages(messages),
        options=ChatOptions(
            temperature=body.temperature, top_p=body.top_p, num_predict=body.max_output_tokens
        ),
        think=read_effort(body.reasoning.effort if body.reasoning else None),
        response_format=read_response_format(body.text.format if body.text else None),
        tools=None
        if body.tool_choice == "none"
        else [_read_tool(tool) for tool in body.tools or ()],
    )


def write_response(collected: Collected) -> ResponseOut:
    is_cut = collected.finish_reason == "length"
    return ResponseOut(
        id=collected.answer.id,
        created_at=collected.answer.created,
        status="incomplete" if is_cut else "completed",
        model=collected.answer.model,
        output=_write_output(collected, f"msg_{new_id().hex}"),
        usage={
            "input_tokens": collected.usage.prompt_tokens,
            "output_tokens": collected.usage.completion_tokens,
            "total_tokens": collected.usage.total_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
        incomplete_details={"reason": "max_output_tokens"} if is_cut else None,
        sources=collected.sources,
    )


class ResponseEvents:
    """Writes the events of a stream, in the order that OpenAI's clients insist on."""

    def __init__(self) -> None:
        self._number = 0
        self._item_id = f"msg_{new_id().hex}"

    def begin(self, collected: Collected) -> list[bytes]:
        response = self._describe(collected, "in_progress")
        item = _write_message(self._item_id, [], "in_progress")
        return [
            self._encode("response.created", response=response),
            self._encode("response.in_progress", response=response),
            self._encode("response.output_item.added", output_index=0, item=item),
            self._encode("response.content_part.added", **self._place(), part=_write_text("", [])),
        ]

    def write(self, chunk: ChatChunk, collected: Collected) -> list[bytes]:
        collected.take(chunk)
        events = []
        if chunk.content:
            place = self._place()
            delta = self._encode(
                "response.output_text.delta", **place, delta=chunk.content, logprobs=[]
            )
            events.append(delta)
        return [*events, *self._end(collected)] if chunk.is_done else events

    def fail(self, error: AppError) -> bytes:
        body = ErrorOut.from_error(error).error
        return self._encode("error", code=body.code, message=body.message, param=body.param)

    def _end(self, collected: Collected) -> list[bytes]:
        place, text = self._place(), collected.content
        annotations = _write_annotations(collected)
        final = write_response(collected).model_copy(
            update={"output": _write_output(collected, self._item_id)}
        )
        part = _write_text(text, annotations)
        message, *calls = final.output
        events = [
            self._encode(
                "response.output_text.annotation.added",
                **place,
                annotation_index=index,
                annotation=annotation,
            )
            for index, annotation in enumerate(annotations)
        ]
        events += [
            self._encode("response.output_text.done", **place, text=text, logprobs=[]),
            self._encode("response.content_part.done", **place, part=part),
            self._encode("response.output_item.done", output_index=0, item=message),
        ]
        for index, call in enumerate(calls, 1):
            events += self._write_call(index, call)
        name = f"response.{final.status}"
        return [*events, self._encode(name, response=final.model_dump(mode="json"))]

    def _write_call(self, index: int, call: JSON) -> list[bytes]:
        started = {**call, "arguments": "", "status": "in_progress"}
        arguments = {"item_id": call["id"], "output_index": index}
        return [
            self._encode("response.output_item.added", output_index=index, item=started),
            self._encode(
                "response.function_call_arguments.delta", **arguments, delta=call["arguments"]
            ),
            self._encode(
                "response.function_call_arguments.done",
                **arguments,
                name=call["name"],
                arguments=call["arguments"],
            ),
            self._encode("response.output_item.done", output_index=index, item=call),
        ]

    def _place(self) -> JSON:
        return {"item_id": self._item_id, "output_index": 0, "content_index": 0}

    def _describe(self, collected: Collected, status: Literal["in_progress"]) -> JSON:
        answer = collected.answer
        return ResponseOut(
            id=answer.id,
            created_at=answer.created,
            status=status,
            model=answer.model,
            output=[],
        ).model_dump(mode="json")

    def _encode(self, kind: str, **fields: object) -> bytes:
        data = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        return f"event: {kind}\ndata: {text}\n\n".encode()


def _read_item(item: InputItem) -> MessageIn:
    match item.type:
        case "message" if item.role is not None:
            return MessageIn(role=item.role, content=item.content)
        case "function_call":
            call = {"name": item.name, "arguments": item.arguments}
            calls = [ToolCallIn.model_validate({"id": item.call_id, "function": call})]
            return MessageIn(role="assistant", tool_calls=calls)
        case "function_call_output":
            return MessageIn(role="tool", content=item.output, tool_call_id=item.call_id)
        case "reasoning":
            return MessageIn(role="assistant", content="")
    raise UnsupportedParameterError("input", f"Items of the type '{item.type[:40]}' are not read.")


def _read_tool(tool: JSON) -> JSON:
    """Put a function back into the inner object that this endpoint's tools do without."""
    if tool.get("type") != "function":
        raise UnsupportedParameterError("tools", "Functions are the only tools here.")
    names = ("name", "description", "parameters")
    return {"type": "function", "function": {name: tool[name] for name in names if name in tool}}


def _write_output(collected: Collected, item_id: str) -> list[JSON]:
    text = _write_text(collected.content, _write_annotations(collected))
    calls = [
        {
            "type": "function_call",
            "id": f"fc_{call.id}",
            "call_id": call.id,
            "name": call.function.name,
            "arguments": call.function.arguments,
            "status": "completed",
        }
        for call in collected.tool_calls
    ]
    return [_write_message(item_id, [text], "completed"), *calls]


def _write_message(item_id: str, content: Sequence[JSON], status: str) -> JSON:
    return {
        "type": "message",
        "id": item_id,
        "role": "assistant",
        "status": status,
        "content": list(content),
    }


def _write_text(text: str, annotations: Sequence[JSON]) -> JSON:
    return {"type": "output_text", "text": text, "annotations": list(annotations), "logprobs": []}


def _write_annotations(collected: Collected) -> list[JSON]:
    return [
        {"type": "url_citation", **annotation.url_citation.model_dump()}
        for annotation in collected.annotations
    ]
