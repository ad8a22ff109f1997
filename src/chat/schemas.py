"""What crosses the API about chats."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StrictBool, StringConstraints, model_validator
from typing_extensions import TypeAliasType

from src.documents.schemas import DocumentIds, PassageRead, TagFilter
from src.llm.schemas import ChatOptions, Think
from src.schemas import VISIBLE, InputSchema, Schema, check_writable, show_example

MessageStatus = TypeAliasType(
    "MessageStatus", Literal["streaming", "completed", "stopped", "interrupted", "failed"]
)
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), VISIBLE
]
ModelName = Annotated[str, Field(min_length=1, max_length=200)]
SystemPrompt = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000), VISIBLE
]
_MAX_FORMAT_CHARACTERS = 20_000
_BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$"


def _check_image(image: str) -> str:
    """Ollama takes bare base64: what it would refuse is refused before it is asked."""
    try:
        base64.b64decode(image, validate=True)
    except binascii.Error as exc:
        raise ValueError("an image is base64 without a prefix") from exc
    return image


def _check_format(value: dict[str, Any]) -> dict[str, Any]:
    check_writable(value)
    if len(json.dumps(value)) > _MAX_FORMAT_CHARACTERS:
        raise ValueError(f"a format has at most {_MAX_FORMAT_CHARACTERS} characters of JSON")
    return value


Image = Annotated[
    str,
    Field(min_length=4, json_schema_extra={"pattern": _BASE64}),
    AfterValidator(_check_image),
]
JSONSchema = Annotated[dict[str, Any], AfterValidator(_check_format)]


class QueryCreate(InputSchema):
    model_config = show_example(query="Who built the lighthouse of Alexandria?")

    query: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=32_000),
        VISIBLE,
        Field(description="The question."),
    ]
    session_id: Annotated[
        UUID | None, Field(description="The chat to go on with; without it a new one starts.")
    ] = None
    parent_message_id: Annotated[
        UUID | None,
        Field(
            description="The answer to go on from; left out, it is the newest of the chat. To edit "
            "a question, send the parent of the old one, which is null for the first question."
        ),
    ] = None
    model: Annotated[
        ModelName | None,
        Field(description="An installed model; else the one of the chat, else the default."),
    ] = None
    use_documents: Annotated[
        bool, Field(description="Whether to search your documents for the answer.")
    ] = True
    document_ids: Annotated[
        DocumentIds | None, Field(description="Search only these documents.")
    ] = None
    tags: Annotated[
        TagFilter | None, Field(description="Search only documents with any of these tags.")
    ] = None
    top_k: Annotated[
        int | None, Field(ge=1, le=50, description="Passages put before the model.")
    ] = None
    think: Annotated[Think, Field(description="For models that can think aloud.")] = False
    options: ChatOptions | None = None
    format: Annotated[
        Literal["json"] | JSONSchema | None,
        Field(description="Answer in JSON; an object is the JSON schema to follow."),
    ] = None
    images: Annotated[
        list[Image] | None,
        Field(min_length=1, max_length=8, description="Base64, for models that can see."),
    ] = None


class RegenerateCreate(InputSchema):
    """What to do differently this time; what is left out stays as it was asked."""

    model_config = show_example(options={"temperature": 0.2})

    model: ModelName | None = None
    think: Think | None = None
    options: ChatOptions | None = None


class SourceRead(Schema):
    """A passage that an answer is based on; `[n]` in the answer means the source numbered n."""

    number: int
    document_id: UUID
    chunk_id: UUID
    title: str
    filename: str
    page_first: int | None
    page_last: int | None
    start: Annotated[int, Field(description="In characters of the document's extracted text.")]
    end: int
    text: str
    score: float
    is_cited: Annotated[bool, Field(description="Final once the message is no longer streaming.")]
    is_gone: Annotated[bool, Field(description="The document was deleted since; this is a copy.")]

    @classmethod
    def number_passages(cls, passages: Sequence[PassageRead]) -> list["SourceRead"]:
        """Number what a prompt holds as the model sees it, with nothing cited yet."""
        return [
            cls(
                number=number,
                is_cited=False,
                is_gone=False,
                **passage.model_dump(exclude={"heading"}),
            )
            for number, passage in enumerate(passages, 1)
        ]


class AnswerUsage(Schema):
    """What an answer cost, and what of the conversation did not fit before the model."""

    prompt_tokens: int
    completion_tokens: int
    omitted_messages: Annotated[int, Field(description="Earlier messages that did not fit.")]
    omitted_passages: Annotated[int, Field(description="Passages that were found but did not fit.")]
    retrieval_ms: int
    first_token_ms: Annotated[int, Field(description="From the question to the first token.")]
    total_ms: int


class MessageErrorRead(Schema):
    code: str
    detail: str


class FeedbackUpdate(InputSchema):
    model_config = show_example(rating="up", comment="Just what I looked for.")

    rating: Literal["up", "down"]
    comment: Annotated[
        str | None, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000), VISIBLE
    ] = None


class FeedbackRead(Schema):
    rating: Literal["up", "down"]
    comment: str | None
    updated_at: datetime


class MessageRead(Schema):
    id: UUID
    session_id: UUID
    parent_id: UUID | None
    role: Literal["user", "assistant"]
    status: MessageStatus
    content: str
    thinking: str
    model: str | None
    sources: list[SourceRead]
    usage: AnswerUsage | None
    error: Annotated[MessageErrorRead | None, Field(description="Why a `failed` message failed.")]
    feedback: FeedbackRead | None
    created_at: datetime
    completed_at: datetime | None


class MessagePage(Schema):
    items: list[MessageRead]
    next_cursor: Annotated[UUID | None, Field(description="Null on the last page.")]


class AnswerRead(Schema):
    session_id: UUID
    message_id: UUID
    status: MessageStatus
    answer: str
    sources: list[SourceRead]
    usage: AnswerUsage | None


class ChatSessionFields(InputSchema):
    """How the questions of a chat are answered, unless a question says otherwise."""

    model: Annotated[ModelName | None, Field(description="Null takes the server's default.")] = None
    system_prompt: Annotated[
        SystemPrompt | None, Field(description="Added to what every model is told.")
    ] = None
    options: ChatOptions | None = None
    document_ids: Annotated[
        DocumentIds | None, Field(description="Search only these documents.")
    ] = None
    tags: Annotated[
        TagFilter | None, Field(description="Search only documents with any of these tags.")
    ] = None


class ChatSessionCreate(ChatSessionFields):
    model_config = show_example(title="Lighthouses")

    title: Title = "New chat"


class ChatSessionUpdate(ChatSessionFields):
    """Only what is sent is changed; null takes a setting back."""

    model_config = show_example(min_fields=1, title="Lighthouses of Egypt")

    title: Title = ""
    is_archived: StrictBool = False

    @model_validator(mode="after")
    def _refuse_nothing(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one field to change")
        return self


class ChatSessionRead(Schema):
    id: UUID
    title: str
    model: str | None
    system_prompt: str | None
    options: ChatOptions | None
    document_ids: list[UUID] | None
    tags: list[str] | None
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ChatExport(Schema):
    """A whole chat, or one branch of it, as it is downloaded."""

    session: ChatSessionRead
    messages: list[MessageRead]


class HighlightRead(Schema):
    """A range of the snippet, in characters."""

    start: int
    end: int


class FoundMessageRead(Schema):
    session_id: UUID
    session_title: str
    message_id: UUID
    role: Literal["user", "assistant"]
    snippet: Annotated[str, Field(description="Plain text: the part around the first find.")]
    highlights: list[HighlightRead]
    created_at: datetime
