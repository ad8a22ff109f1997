"""The JSON of OpenAI's API, as far as it is spoken here.

What clients send is read leniently: fields that mean nothing to a local model are ignored, as
other servers ignore them, and so are fields that OpenAI may yet invent.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from src.chat.schemas import SourceRead
from src.documents.schemas import DocumentIds, TagFilter
from src.exceptions import AppError
from src.schemas import check_writable

Stop = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=8)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]

_TYPES = {401: "invalid_request_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {
    "not_authenticated": "invalid_api_key",
    "invalid_token": "invalid_api_key",
    "prompt_too_long": "context_length_exceeded",
}
_SERVER_ERROR = 500
# Only these may end otherwise when the same is asked again; a whole answer is dear.
_RETRIABLE = ("llm_busy", "llm_unavailable", "database_unavailable", "rate_limited")


class Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class RequestBody(Lenient):
    @model_validator(mode="before")
    @classmethod
    def _check_writable(cls, value: object) -> object:
        check_writable(value, levels_kept=0)  # How deep it is was seen before it was read.
        return value


class ImageURL(Lenient):
    url: str


class Part(Lenient):
    type: str
    text: str = ""
    image_url: ImageURL | str | None = None


class FunctionIn(Lenient):
    name: str
    arguments: str = "{}"


class ToolCallIn(Lenient):
    id: str | None = None
    function: FunctionIn


class MessageIn(Lenient):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    tool_calls: list[ToolCallIn] | None = None
    tool_call_id: str | None = None


class StreamOptions(Lenient):
    include_usage: bool = False


class GenerationCreate(RequestBody):
    """What every way of asking for text has in common."""

    model: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="An installed model; with `@docs` behind its name it answers from your "
            "documents.",
        ),
    ]
    stream: bool | None = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(ge=0, le=1)] = None
    document_ids: Annotated[
        DocumentIds | None, Field(description="Not OpenAI's: search only these documents.")
    ] = None
    tags: Annotated[
        TagFilter | None,
        Field(description="Not OpenAI's: search only documents with any of these tags."),
    ] = None
    top_k: Annotated[
        int | None, Field(ge=1, le=50, description="Not OpenAI's: passages before the model.")
    ] = None


class SamplingCreate(GenerationCreate):
    """What the older two of the three endpoints have in common."""

    n: int | None = None
    presence_penalty: Annotated[float | None, Field(ge=-2, le=2)] = None
    frequency_penalty: Annotated[float | None, Field(ge=-2, le=2)] = None
    seed: Annotated[int | None, Field(ge=-(2**31), lt=2**31)] = None
    max_tokens: Annotated[int | None, Field(ge=1)] = None
    stop: Stop | None = None
    stream_options: StreamOptions | None = None

    @property
    def has_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage

    @field_validator("stop", mode="before")
    @classmethod
    def _accept_one(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


class ChatCompletionCreate(SamplingCreate):
    messages: Annotated[list[MessageIn], Field(min_length=1, max_length=2000)]
    max_completion_tokens: Annotated[int | None, Field(ge=1)] = None
    tools: Annotated[list[dict[str, Any]] | None, Field(max_length=128)] = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    reasoning_effort: Effort | None = None


class CompletionCreate(SamplingCreate):
    prompt: str | list[str] | list[int] | list[list[int]]
    suffix: str | None = None


class EmbeddingCreate(RequestBody):
    model: Annotated[str, Field(min_length=1, max_length=200)]
    input: str | list[str] | list[int] | list[list[int]]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None
    input_type: Annotated[
        Literal["query", "document"],
        Field(description="Not OpenAI's: models that tell them apart get the prefix they want."),
    ] = "document"


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class FunctionOut(BaseModel):
    name: str
    arguments: Annotated[str, Field(description="JSON.")]


class ToolCallOut(BaseModel):
    id: str
    type: Literal["function"] = "function"
    function: FunctionOut


class URLCitation(BaseModel):
    """`start_index` and `end_index` enclose the marker, in Unicode code points of the content."""

    url: str
    title: str
    start_index: int
    end_index: int


class Annotation(BaseModel):
    type: Literal["url_citation"] = "url_citation"
    url_citation: URLCitation


class MessageOut(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: None = None
    reasoning_content: str | None = None
    annotations: list[Annotation]
    tool_calls: list[ToolCallOut] | None = None


class Choice(BaseModel):
    index: Literal[0] = 0
    message: MessageOut
    logprobs: None = None
    finish_reason: Literal["stop", "length", "tool_calls"]


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    sources: Annotated[
        list[SourceRead] | None,
        Field(description="Not OpenAI's: the passages that the model saw; null without `@docs`."),
    ]


class TextChoice(BaseModel):
    index: Literal[0] = 0
    text: str
    logprobs: None = None
    finish_reason: Literal["stop", "length", "tool_calls"]


class TextCompletion(BaseModel):
    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[TextChoice]
    usage: Usage
    sources: list[SourceRead] | None


class EmbeddingOut(BaseModel):
    object: Literal["embedding"] = "embedding"
    index: int
    embedding: Annotated[
        list[float] | str, Field(description="In base64: little-endian floats of 32 bits.")
    ]


class EmbeddingUsage(BaseModel):
    prompt_tokens: int
    total_tokens: int


class EmbeddingList(BaseModel):
    object: Literal["list"] = "list"
    data: list[EmbeddingOut]
    model: str
    usage: EmbeddingUsage


class ModelOut(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    context_length: int | None


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelOut]


class ErrorBody(BaseModel):
    message: str
    type: str
    param: str | None
    code: str


class ErrorOut(BaseModel):
    """What went wrong, in OpenAI's shape."""

    error: ErrorBody

    @classmethod
    def from_error(cls, error: AppError, param: str | None = None) -> "ErrorOut":
        default = "server_error" if error.status >= _SERVER_ERROR else "invalid_request_error"
        return cls(
            error=ErrorBody(
                message=error.detail,
                type=_TYPES.get(error.status, default),
                param=param or getattr(error, "param", None),
                code=_CODES.get(error.code, error.code),
            )
        )


def is_worth_retrying(error: AppError) -> bool:
    return error.code in _RETRIABLE
