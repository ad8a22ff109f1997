"""What crosses the API about documents."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, field_validator
from typing_extensions import TypeAliasType

from src.schemas import VISIBLE, InputSchema, Problem, Schema, show_example

DocumentStatus = TypeAliasType(
    "DocumentStatus", Literal["pending", "processing", "ready", "failed"]
)


def _refuse_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain a NUL character")
    return text


_NO_NUL: Any = AfterValidator(_refuse_nul)
_VISIBLE: Any = Field(json_schema_extra={"pattern": r"^[^\x00]*[^\s\x00][^\x00]*$"})
Tag = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=50),
    _NO_NUL,
    _VISIBLE,
]
Tags = Annotated[list[Tag], Field(max_length=20)]
DocumentIds = Annotated[list[UUID], Field(min_length=1, max_length=100)]
DocumentSort = Literal[
    "-created_at",
    "created_at",
    "-updated_at",
    "updated_at",
    "title",
    "-title",
    "size_bytes",
    "-size_bytes",
]
DocumentCursor = Annotated[
    str | None, Field(max_length=1200, description="`next_cursor` of a former page.")
]
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    _NO_NUL,
    _VISIBLE,
]
Description = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=2000),
    _NO_NUL,
    Field(json_schema_extra={"pattern": r"^[^\x00]*$"}),
]
TagFilter = Annotated[list[Tag], Field(min_length=1, max_length=20)]


class DocumentFields(InputSchema):
    """The plain fields of an upload; `title` belongs to an upload of one file."""

    title: Title | None = None
    description: Description | None = None
    tags: Tags = Field(default_factory=list)


class DocumentUpdate(InputSchema):
    """What is left out stays as it is; a `description` of null removes it."""

    model_config = show_example(title="The lighthouse", tags=["history"])

    title: Title = ""
    description: Description | None = None
    tags: Tags = Field(default_factory=list)

    @field_validator("tags")
    @classmethod
    def _keep_once(cls, tags: list[str]) -> list[str]:
        return list(dict.fromkeys(tags))


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
    step: Annotated[
        Literal["extracting", "embedding"] | None,
        Field(description="What is being done; null when nothing is."),
    ]
    language: Annotated[str | None, Field(description="Of most of the text, as in ISO 639-3.")]
    page_count: int | None
    chunks_total: Annotated[int | None, Field(description="Null until the text is extracted.")]
    chunks_done: Annotated[
        int,
        Field(description="Passages indexed so far; it starts anew when the model has changed."),
    ]
    chunks_skipped: Annotated[
        int,
        Field(description="Passages the model cannot embed: found by their words alone."),
    ]
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


class DocumentProgress(Schema):
    """The document waits or is being processed."""

    type: Literal["document.progress"] = "document.progress"
    document: DocumentRead


class DocumentReady(Schema):
    """The end of a stream: the document can be searched."""

    type: Literal["document.ready"] = "document.ready"
    document: DocumentRead


class DocumentFailed(Schema):
    """The end of a stream: `status_detail` says why."""

    type: Literal["document.failed"] = "document.failed"
    document: DocumentRead


class DocumentDeleted(Schema):
    """The end of a stream: there is no such document any more."""

    type: Literal["document.deleted"] = "document.deleted"
    document_id: UUID


DocumentEvent = TypeAliasType(
    "DocumentEvent",
    Annotated[
        DocumentProgress | DocumentReady | DocumentFailed | DocumentDeleted,
        Field(discriminator="type"),
    ],
)


class StorageUsageRead(Schema):
    documents: int
    size_bytes: int
    max_documents: Annotated[int | None, Field(description="Null is without limit.")]
    max_bytes: Annotated[int | None, Field(description="Null is without limit.")]


class FormatRead(Schema):
    media_type: str
    extensions: Annotated[
        list[str], Field(description="Usual names; the content decides, not the name.")
    ]


class FormatsRead(Schema):
    formats: list[FormatRead]
    max_file_bytes: int
    max_files: Annotated[int, Field(description="Of one upload.")]


class ChunkRead(Schema):
    id: UUID
    ordinal: int
    text: str
    heading: str | None
    page_first: int | None
    page_last: int | None
    start: Annotated[int, Field(description="In characters of the extracted text.")]
    end: int
    issue_code: Annotated[
        str | None, Field(description="Why the model embedded it in part or not; null otherwise.")
    ]
    issue_detail: str | None


class ChunkPage(Schema):
    items: list[ChunkRead]
    next_ordinal: Annotated[
        int | None, Field(description="Send it back as `from_ordinal`; null on the last page.")
    ]


class SearchCreate(InputSchema):
    model_config = show_example(query="lighthouse of Alexandria", limit=5)

    query: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000), VISIBLE
    ]
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
