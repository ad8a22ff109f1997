"""What is known of a document while it is worked on, and of its passages: rows without a mapper."""

from dataclasses import dataclass
from uuid import UUID

from src.database import new_id
from src.documents.reading.chunking import ExtractedChunk
from src.documents.reading.reader import Reading


@dataclass(slots=True)
class DocumentState:
    """The row of a document, as far as it decides what is done next; changed as the row is."""

    id: UUID
    user_id: UUID
    attempt: int
    title: str
    tags: list[str]
    language: str | None
    media_type: str
    size_bytes: int
    storage_key: str
    step: str | None
    chunks_total: int | None
    chunks_done: int
    collection: str | None
    next_collection: str | None


@dataclass(frozen=True, slots=True)
class Passage:
    """The row of a passage, as far as the index needs it."""

    id: UUID
    ordinal: int
    heading: str | None
    text: str
    issue_code: str | None = None


class ShortDocument:
    """A document all of whose passages came in one batch, as they will be written."""

    def __init__(
        self, document: DocumentState, reading: Reading, chunks: list[ExtractedChunk]
    ) -> None:
        self.document = document
        self.reading = reading
        self.chunks = chunks
        self.passages = [Passage(new_id(), c.ordinal, c.heading, c.text) for c in chunks]
