"""From OpenAI's requests to what a model is asked, and back. Pure."""

import base64
import binascii
import json
import re
import struct
from collections.abc import Sequence
from typing import Any

from src.chat.openai.exceptions import InvalidParameterError, UnsupportedParameterError
from src.chat.openai.schemas import (
    Annotation,
    ChatCompletionCreate,
    Effort,
    FunctionOut,
    ImageURL,
    MessageIn,
    Part,
    SamplingCreate,
    ToolCallIn,
    ToolCallOut,
    URLCitation,
)
from src.chat.schemas import SourceRead
from src.database import new_id
from src.llm.schemas import (
    ChatMessage,
    ChatOptions,
    FunctionCall,
    ResponseFormat,
    Think,
    ToolCall,
)
from src.schemas import check_writable

_DATA_URI = re.compile(r"data:image/[\w.+-]+;base64,", re.ASCII)
_MARKER = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_TEXT_PARTS = ("text", "input_text", "output_text")
_IMAGE_PARTS = ("image_url", "input_image")


def read_messages(messages: Sequence[MessageIn]) -> list[ChatMessage]:
    names = {
        call.id: call.function.name for message in messages for call in message.tool_calls or ()
    }
    return [_read_message(message, names) for message in messages]


def read_options(body: SamplingCreate) -> ChatOptions:
    if body.n is not None and body.n != 1:
        raise UnsupportedParameterError("n", "A request gets one answer: leave `n` out.")
    limit = body.max_tokens
    if isinstance(body, ChatCompletionCreate):
        limit = body.max_completion_tokens or limit
    return ChatOptions(
        temperature=body.temperature,
        top_p=body.top_p,
        presence_penalty=body.presence_penalty,
        frequency_penalty=body.frequency_penalty,
        seed=body.seed,
        stop=body.stop,
        num_predict=limit,
    )


def read_response_format(value: dict[str, Any] | None) -> ResponseFormat | None:
    """Read `response_format`, or `text.format` of the newer endpoint, which has no inner object."""
    match value:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return "json"
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return schema
        case {"type": "json_schema", "schema": dict(schema)}:
            return schema
    raise InvalidParameterError("response_format", "This response format cannot be read.")


def read_effort(effort: Effort | None) -> Think:
    match effort:
        case None | "none" | "minimal":
            return False
        case "xhigh":
            return "high"
        case _:
            return effort


def read_texts(texts: object, param: str) -> list[str]:
    """Read one text or several; arrays of token ids belong to tokenisers that are not ours."""
    if isinstance(texts, str):
        return [texts]
    assert isinstance(texts, list)  # noqa: S101, the schema lets nothing else through
    if not all(isinstance(text, str) for text in texts):
        raise UnsupportedParameterError(
            param,
            "Send text, not token ids; with LangChain set `check_embedding_ctx_length=False`.",
        )
    return texts


def find_annotations(
    content: str, sources: Sequence[SourceRead], base_url: str
) -> list[Annotation]:
    """Annotate every `[n]` that names a source."""
    by_number = {source.number: source for source in sources}
    return [
        _annotate(marker, by_number[int(number)], base_url)
        for marker in _MARKER.finditer(content)
        for number in marker[1].split(",")
        if int(number) in by_number
    ]


def mark_cited(content: str, sources: Sequence[SourceRead]) -> list[SourceRead]:
    cited = {int(number) for found in _MARKER.findall(content) for number in found.split(",")}
    return [source.model_copy(update={"is_cited": source.number in cited}) for source in sources]


def write_tool_call(call: ToolCall) -> ToolCallOut:
    arguments = json.dumps(call.function.arguments, ensure_ascii=False)
    return ToolCallOut(
        id=call.id or f"call_{new_id().hex}",
        function=FunctionOut(name=call.function.name, arguments=arguments),
    )


def encode_vector(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _annotate(marker: re.Match[str], source: SourceRead, base_url: str) -> Annotation:
    page = f"#page={source.page_first}" if source.page_first else ""
    url = f"{base_url}/documents/{source.document_id}/content{page}"
    return Annotation(
        url_citation=URLCitation(
            url=url, title=source.title, start_index=marker.start(), end_index=marker.end()
        )
    )


def _read_message(message: MessageIn, names: dict[str | None, str]) -> ChatMessage:
    parts = message.content if isinstance(message.content, list) else ()
    text = message.content if isinstance(message.content, str) else _join_text(parts)
    images = [_read_image(part) for part in parts if part.type in _IMAGE_PARTS]
    return ChatMessage(
        role="system" if message.role == "developer" else message.role,
        content=text,
        images=images or None,
        tool_calls=[_read_tool_call(call) for call in message.tool_calls or ()] or None,
        tool_call_id=message.tool_call_id,
        tool_name=names.get(message.tool_call_id) if message.role == "tool" else None,
    )


def _join_text(parts: Sequence[Part]) -> str:
    for part in parts:
        if part.type not in (*_TEXT_PARTS, *_IMAGE_PARTS, "refusal"):
            raise UnsupportedParameterError(
                "messages", f"Content of the type '{part.type[:40]}' cannot be read."
            )
    return "\n".join(part.text for part in parts if part.type in _TEXT_PARTS)


def _read_image(part: Part) -> str:
    url = part.image_url.url if isinstance(part.image_url, ImageURL) else part.image_url or ""
    start = _DATA_URI.match(url)
    if start is None:
        raise UnsupportedParameterError(
            "messages", "Send images as `data:image/...;base64,` URLs; none is fetched."
        )
    image = url[start.end() :]
    try:
        base64.b64decode(image, validate=True)
    except binascii.Error as exc:
        raise InvalidParameterError("messages", "An image is not valid base64.") from exc
    return image


def _read_tool_call(call: ToolCallIn) -> ToolCall:
    try:
        arguments = json.loads(call.function.arguments or "{}")
        check_writable(arguments)
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise InvalidParameterError("messages", "The arguments of a tool call are no JSON object.")
    return ToolCall(FunctionCall(call.function.name, arguments), call.id)
