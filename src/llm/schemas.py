"""What the llm module takes and gives: messages, pieces of an answer, models, status and usage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from src.schemas import InputSchema, Schema

Role = Literal["system", "user", "assistant"]
Think = bool | Literal["low", "medium", "high"]
# "json", or the JSON schema that the answer has to follow.
ResponseFormat = Literal["json"] | dict[str, Any]
Penalty = Annotated[float, Field(ge=-2, le=2)]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: Role
    content: str
    images: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class ChatChunk:
    """A piece of an answer. The last one has `is_done`, the reason and the token counts.

    `done_reason` is `stop` for a finished answer and `length` for one that met a limit.
    """

    content: str = ""
    thinking: str = ""
    is_done: bool = False
    done_reason: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


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
        int | None, Field(ge=1, description="The most tokens of the answer, within the server's.")
    ] = None


class ModelRead(Schema):
    """An installed model. What an older Ollama does not tell is null or empty."""

    name: str
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


class ModelStatusRead(Schema):
    """The state of one configured model and of the server it should be on."""

    model: str
    is_ready: bool
    version: Annotated[str | None, Field(description="Ollama's; null when it does not answer.")]
    detail: Annotated[str | None, Field(description="What to do when it is not ready.")]


class LLMStatusRead(Schema):
    is_ready: bool
    chat: ModelStatusRead
    embedding: ModelStatusRead


class UsageRead(Schema):
    """What one user asked of one model on one day (UTC)."""

    day: date
    model: str
    requests: int
    prompt_tokens: int
    completion_tokens: int
