"""What crosses the API about documents."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from src.schemas import InputSchema, Problem, Schema

DocumentStatus = Literal["pending", "processing", "ready", "failed"]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
Tags = Annotated[list[Tag], Field(max_length=20)]
DocumentIds = Annotated[list[UUID], Field(min_length=1, max_length=100)]
TagFilter = Annotated[list[Tag], Field(min_length=1, max_length=20)]


class DocumentFields(InputSchema):
    """The plain fields of an upload; `title` belongs to an upload of one file."""

    title: Annotated[
        str | None, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)
    ] = None
    description: Annotated[
        str | None, StringConstraints(strip_whitespace=True, max_length=2000)
    ] = None
    tags: Tags = Field(default_factory=list)


class DocumentRead(Schema):
    id: UUID
    title: str
    description: str | None
    tags: list[str]
    filename: Annotated[str, Field(description="The sender's name for the file.")]
    media_type: Annotated[str, Field(description="Decided from the content.")]
    size_bytes: int
    sha256: str
    status: Annotated[
        DocumentStatus,
        Field(description="`ready` can be searched; `failed` says why in `status_detail`."),
    ]
    status_code: Annotated[str | None, Field(description="A stable code for `status_detail`.")]
    status_detail: Annotated[
        str | None, Field(description="Why it failed, or what it is waiting for.")
    ]
    page_count: int | None
    chunks_total: Annotated[int | None, Field(description="Null until the text is extracted.")]
    chunks_done: Annotated[int, Field(description="Passages that are indexed so far.")]
    created_at: datetime
    updated_at: datetime


class UploadResult(Schema):
    """One file of an upload: it has either a document or an error."""

    filename: str
    document: DocumentRead | None
    is_existing: Annotated[
        bool, Field(description="The same bytes were uploaded before; nothing new was made.")
    ]
    error: Problem | None


class UploadRead(Schema):
    results: Annotated[list[UploadResult], Field(description="In the order of the files.")]


class ChunkRead(Schema):
    id: UUID
    ordinal: int
    text: str
    heading: str | None
    page_first: int | None
    page_last: int | None
    start: Annotated[int, Field(description="In characters of the extracted text.")]
    end: int


class ChunkPage(Schema):
    items: list[ChunkRead]
    next_ordinal: Annotated[
        int | None, Field(description="Send it back as `from_ordinal`; null on the last page.")
    ]


class SearchCreate(InputSchema):
    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
    limit: Annotated[int, Field(ge=1, le=50)] = 10
    document_ids: DocumentIds | None = None
    tags: Annotated[
        TagFilter | None, Field(description="Documents that have any of these tags.")
    ] = None
    mode: Annotated[
        Literal["hybrid", "dense", "sparse"],
        Field(description="`hybrid` fuses meaning (dense) and words (sparse)."),
    ] = "hybrid"


class PassageRead(Schema):
    """A passage that was found, and where it stands in its document."""

    document_id: UUID
    chunk_id: UUID
    title: str
    filename: str
    heading: str | None
    page_first: int | None
    page_last: int | None
    start: Annotated[int, Field(description="In characters of the extracted text.")]
    end: int
    text: str
    score: Annotated[float, Field(description="Higher is better; comparable within one search.")]


class SearchRead(Schema):
    passages: list[PassageRead]
