"""What the llm module takes and gives: messages, pieces of an answer, models, status and usage."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

from pydantic import Field, field_validator
from typing_extensions import TypeAliasType

from src.schemas import InputSchema, Problem, Schema, show_example

Role = Literal["system", "user", "assistant", "tool"]
Think = bool | Literal["low", "medium", "high"]
# "json", or the JSON schema that the answer has to follow.
ResponseFormat = Literal["json"] | dict[str, Any]
Penalty = Annotated[float, Field(ge=-2, le=2)]


@dataclass(frozen=True, slots=True)
class FunctionCall:
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a model wants to be done for it. Older servers give it no id."""

    function: FunctionCall
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """`images` are base64. A `tool` message is what came of the call `tool_call_id`."""

    role: Role
    content: str
    images: Sequence[str] | None = None
    tool_calls: Sequence[ToolCall] | None = None
    tool_call_id: str | None = None
    tool_name: str | None = None


@dataclass(frozen=True, slots=True)
class ChatChunk:
    """A piece of an answer. The last one has `is_done`, the reason and the token counts.

    `done_reason` is `stop` for a finished answer and `length` for one that met a limit.
    """

    content: str = ""
    thinking: str = ""
    tool_calls: Sequence[ToolCall] = ()
    is_done: bool = False
    done_reason: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Embeddings:
    """`singles` are the same vectors in single precision, as they are kept and indexed."""

    vectors: list[list[float]]
    singles: "list[array[float]]"  # Before 3.12 the class takes no brackets itself.
    prompt_tokens: int


class Caller(Protocol):
    """Who is asking, as far as this module needs to know."""

    @property
    def user_id(self) -> UUID: ...

    @property
    def role(self) -> str: ...


class ChatOptions(InputSchema):
    """How the model picks its words. What would make Ollama load the model anew is not offered."""

    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(ge=0, le=1)] = None
    top_k: Annotated[int | None, Field(ge=1, le=1000)] = None
    min_p: Annotated[float | None, Field(ge=0, le=1)] = None
    repeat_penalty: Annotated[float | None, Field(ge=0, le=2)] = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    seed: Annotated[int | None, Field(ge=-(2**31), lt=2**31)] = None
    stop: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]] | None,
        Field(max_length=8, description="Texts that end the answer."),
    ] = None
    num_predict: Annotated[
        int | None,
        Field(ge=1, description="The most tokens of the answer, within the server's."),
    ] = None

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth(cls, value: object) -> object:
        """Keep `true` from being the number that it is in Python."""
        if isinstance(value, bool):
            raise ValueError("must not be true or false")  # noqa: TRY004, pydantic takes this one
        return value


class ModelRead(Schema):
    """An installed model. What an older Ollama does not tell is null or empty."""

    name: str
    aliases: Annotated[list[str], Field(description="Further names that stand for it.")]
    digest: str
    size_bytes: int
    modified_at: datetime | None
    family: str
    parameter_size: str
    quantization: str
    capabilities: Annotated[
        list[str] | None, Field(description="For example `completion`, `thinking`, `embedding`.")
    ]
    context_length: Annotated[int | None, Field(description="In tokens, as trained.")]
    is_default: Annotated[bool, Field(description="Answers when a question names no model.")]
    is_loaded: Annotated[bool, Field(description="In memory: it answers without being loaded.")]


class ModelStatusRead(Schema):
    """The state of one configured model and of the servers it should be on."""

    model: str
    is_ready: bool
    version: Annotated[str | None, Field(description="Ollama's; null when it does not answer.")]
    servers: Annotated[int, Field(description="How many are configured.")]
    servers_ready: Annotated[int, Field(description="How many of them answer and have the model.")]
    detail: Annotated[str | None, Field(description="What to do when it is not ready.")]


class LLMStatusRead(Schema):
    is_ready: bool
    chat: ModelStatusRead
    embedding: ModelStatusRead


class UsageRead(Schema):
    """What one user asked of one model on one day (UTC)."""

    user_id: UUID
    day: date
    model: str
    requests: int
    prompt_tokens: int
    completion_tokens: int


class UsagePage(Schema):
    items: list[UsageRead]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
    tokens_today: Annotated[int, Field(description="Your own, of prompts and answers.")]
    daily_token_quota: Annotated[int | None, Field(description="Null when there is no limit.")]


class EmbeddingsCreate(InputSchema):
    model_config = show_example(texts=["Who built the lighthouse?"], input_type="query")

    texts: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=32_000)]],
        Field(min_length=1, max_length=256),
    ]
    input_type: Annotated[
        Literal["query", "document"],
        Field(description="Models that tell questions from passages get the prefix they want."),
    ] = "document"


class EmbeddingsRead(Schema):
    model: str
    vectors: Annotated[list[list[float]], Field(description="One per text, in their order.")]
    prompt_tokens: int


class PullCreate(InputSchema):
    model_config = show_example(model="llama3.2:3b")

    model: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\w./:-]+$")]


class PullProgress(Schema):
    """How far a pull is. Sizes grow while further layers are found."""

    type: Literal["pull.progress"] = "pull.progress"
    status: str
    completed_bytes: int
    total_bytes: int


class PullCompleted(Schema):
    type: Literal["pull.completed"] = "pull.completed"
    model: str


class PullFailed(Schema):
    type: Literal["error"] = "error"
    problem: Problem


PullEvent = TypeAliasType(
    "PullEvent",
    Annotated[PullProgress | PullCompleted | PullFailed, Field(discriminator="type")],
)
