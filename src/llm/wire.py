"""The JSON that Ollama reads and writes, as far as Colloquy needs it.

Ollama leaves out whatever is zero or empty, and older servers know fewer fields: what may be
missing has a default, and what is unknown is ignored.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, FiniteFloat, model_validator

from src.llm.schemas import ChatMessage, ResponseFormat, Think, ToolCall


class GenerationOptions(BaseModel):
    num_ctx: int
    num_predict: int
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    stop: list[str] | None = None


class ChatRequest(BaseModel):
    """A question to /api/chat.

    Ollama would by default drop old messages or the middle of the prompt without a word when they
    do not fit: `truncate` and `shift` ask for an error instead. `shift` never varies, because a
    model is loaded anew when it does.
    """

    model: str
    messages: list[ChatMessage]
    options: GenerationOptions
    keep_alive: str
    think: Think | None = None
    format: ResponseFormat | None = None
    tools: list[dict[str, Any]] | None = None
    stream: Literal[True] = True
    truncate: Literal[False] = False
    shift: Literal[False] = False


class EmbedOptions(BaseModel):
    """Without an explicit `num_batch`, longer inputs than Ollama's default batch are cut."""

    num_ctx: int
    num_batch: int


class EmbedRequest(BaseModel):
    model: str
    input: list[str]
    keep_alive: str
    options: EmbedOptions | None = None


class ShowRequest(BaseModel):
    model: str


class ReplyMessage(BaseModel):
    content: str = ""
    thinking: str = ""
    tool_calls: list[ToolCall] | None = None


class ChatLine(BaseModel):
    """A piece of an answer, which no error may quote."""

    model_config = ConfigDict(hide_input_in_errors=True)

    error: object = None
    message: ReplyMessage = ReplyMessage()
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int = 0
    eval_count: int = 0


class EmbedReply(BaseModel):
    embeddings: list[list[FiniteFloat]]
    prompt_eval_count: int = 0


class PullRequest(BaseModel):
    model: str
    stream: Literal[True] = True


class PullLine(BaseModel):
    """`completed` is left out while nothing is."""

    error: object = None
    status: str = ""
    digest: str = ""
    total: int = 0
    completed: int = 0


class GoModel(BaseModel):
    """A struct of Go, which writes empty lists and maps as null: null is the same as absent."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None}


class InstalledModelDetails(GoModel):
    family: str = ""
    parameter_size: str = ""
    quantization_level: str = ""
    context_length: int | None = None


class InstalledModel(GoModel):
    name: str
    digest: str
    size: int = 0
    modified_at: datetime | None = None
    details: InstalledModelDetails = InstalledModelDetails()


class TagsReply(GoModel):
    models: list[InstalledModel] = []


class LoadedModel(GoModel):
    name: str


class LoadedReply(GoModel):
    models: list[LoadedModel] = []


class ModelDetails(GoModel):
    """`capabilities` is None from servers before 0.6.4, which do not tell."""

    capabilities: list[str] | None = None
    model_info: dict[str, object] = {}

    @property
    def context_length(self) -> int | None:
        """The longest context the model was trained for, in tokens."""
        length = self.model_info.get(
            f"{self.model_info.get('general.architecture')}.context_length"
        )
        return length if isinstance(length, int) else None


class VersionReply(GoModel):
    version: str
