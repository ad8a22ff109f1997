"""The tables of documents. The text of a passage lives here; the vector index holds ids only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Computed, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from src.database import Base, new_id

# The words of a title and a file name, whatever stands between them.
_NAME_WORDS = (
    "to_tsvector('simple', regexp_replace(title || ' ' || filename, '[^[:alnum:]]+', ' ', 'g'))"
)
# A document that waits for a job, or is being worked on.
HAS_WORK = text(
    "(status IN ('pending', 'processing') OR status = 'ready' AND next_collection IS NOT NULL)"
)


class Document(Base):
    """`collection` is where all its passages can be found; `next_collection` is being filled.

    `attempt` counts who began to work on it: whoever has an earlier one writes nothing any more.
    """

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("user_id", "sha256"),
        Index(None, "user_id", "created_at", "id"),
        Index(None, "user_id", "updated_at", "id"),
        Index(None, "user_id", "title_key", "id"),
        Index(None, "user_id", "size_bytes", "id"),
        Index(None, "collection", "id"),
        Index("ix_documents_name_words", "name_words", postgresql_using="gin"),
        Index("ix_documents_tags", "tags", postgresql_using="gin"),
        Index("ix_documents_waiting", "user_id", postgresql_where=HAS_WORK),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str]
    title_key: Mapped[str] = mapped_column(Computed("lower(title)", persisted=True))
    name_words: Mapped[str] = mapped_column(
        TSVECTOR, Computed(_NAME_WORDS, persisted=True), deferred=True
    )
    description: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(TEXT), default=list)
    filename: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    storage_key: Mapped[str]
    status: Mapped[str] = mapped_column(default="pending")
    status_code: Mapped[str | None]
    status_detail: Mapped[str | None]
    step: Mapped[str | None]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    attempt: Mapped[int] = mapped_column(default=0, server_default="0")
    collection: Mapped[str | None]
    next_collection: Mapped[str | None]
    language: Mapped[str | None]
    page_count: Mapped[int | None]
    chunks_total: Mapped[int | None]
    chunks_done: Mapped[int] = mapped_column(default=0)
    chunks_skipped: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class Chunk(Base):
    """A passage: `text` is what stands at `[start, end)`, in characters, of the extracted text."""

    __tablename__ = "chunks"
    __table_args__ = (UniqueConstraint("document_id", "ordinal"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    ordinal: Mapped[int]
    text: Mapped[str]
    heading: Mapped[str | None]
    page_first: Mapped[int | None]
    page_last: Mapped[int | None]
    start: Mapped[int]
    end: Mapped[int]
    issue_code: Mapped[str | None]
    issue_detail: Mapped[str | None]


class DocumentUsage(Base):
    """What a user has. Whoever adds or deletes documents locks this row first."""

    __tablename__ = "document_usage"

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    documents: Mapped[int] = mapped_column(default=0, server_default="0")
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    languages: Mapped[list[str]] = mapped_column(
        ARRAY(TEXT), default=list, server_default=text("'{}'")
    )


class UploadKey(Base):
    """An `Idempotency-Key` with the answer it got; `fingerprint` tells what was uploaded."""

    __tablename__ = "upload_keys"
    __table_args__ = (Index(None, "created_at"),)

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    answer: Mapped[dict[str, object]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CachedEmbedding(Base):
    """The vector of a text, as single floats, by a keyless digest: whose it was is unknown."""

    __tablename__ = "cached_embeddings"
    __table_args__ = (Index(None, "used_at"),)

    collection: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    vector: Mapped[bytes]
    used_at: Mapped[datetime] = mapped_column(server_default=func.now())
