"""What crosses the API about chats."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from src.documents.schemas import DocumentIds, TagFilter
from src.llm.schemas import ChatOptions, Think
from src.schemas import InputSchema, Schema

MessageStatus = Literal["streaming", "completed", "stopped", "interrupted", "failed"]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class QueryCreate(InputSchema):
    query: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=32_000),
        Field(description="The question."),
    ]
    session_id: Annotated[
        UUID | None, Field(description="The chat to go on with; without it a new one starts.")
    ] = None
    model: Annotated[
        str | None,
        Field(min_length=1, max_length=200, description="An installed model; else the default."),
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


class ChatSessionCreate(InputSchema):
    title: Title = "New chat"


class ChatSessionUpdate(InputSchema):
    title: Title


class ChatSessionRead(Schema):
    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime
