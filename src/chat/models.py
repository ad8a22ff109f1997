"""The tables of chat."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Computed, ForeignKey, Index, Integer, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from src.database import Base, new_id

# The owner is a word of the index, so that a search touches nobody else's entries. An answer is
# indexed when it is over: while it grows, its row is written every second. The casts are as
# PostgreSQL writes them, which `alembic check` compares.
_WORDS = """\
CASE WHEN status::text <> 'streaming'::text \
THEN to_tsvector('simple'::regconfig, left(content::text, 200000)) \
|| array_to_tsvector(ARRAY[user_id::text]) ELSE NULL::tsvector END"""


class ChatSession(Base):
    __tablename__ = "chat_sessions"
    __table_args__ = (Index(None, "user_id", "updated_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str]
    model: Mapped[str | None]
    system_prompt: Mapped[str | None]
    options: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    document_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT))
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Message(Base):
    """A question or an answer. Messages of a session form a tree by `parent_id`.

    `runs` are the lengths of thinking, answer, thinking and so on, in the order they came: with
    them a position in the stream can be found again in the stored text.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index(None, "session_id", "id"),
        # No column that changes while an answer grows, so that saving it touches no index.
        Index("ix_messages_streaming", "id", postgresql_where=text("status='streaming'")),
        Index(
            "ix_messages_words",
            "words",
            postgresql_using="gin",
            postgresql_where=text("status<>'streaming'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    parent_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[str]
    status: Mapped[str]
    content: Mapped[str]
    thinking: Mapped[str] = mapped_column(default="")
    runs: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list)
    model: Mapped[str | None]
    request: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), deferred=True, deferred_raiseload=True
    )
    usage: Mapped[dict[str, int] | None] = mapped_column(JSONB(none_as_null=True))
    # Null as long as no passages were looked for.
    source_count: Mapped[int | None]
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    is_stop_requested: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    heartbeat_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    words: Mapped[Any] = mapped_column(
        TSVECTOR,
        Computed(_WORDS, persisted=True),
        nullable=True,
        deferred=True,
        deferred_raiseload=True,
    )


class MessageSource(Base):
    """What an answer was based on, as it was then: it outlives the document."""

    __tablename__ = "message_sources"

    message_id: Mapped[UUID] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[UUID]
    chunk_id: Mapped[UUID]
    title: Mapped[str]
    filename: Mapped[str]
    page_first: Mapped[int | None]
    page_last: Mapped[int | None]
    start: Mapped[int]
    end: Mapped[int]
    text: Mapped[str]
    score: Mapped[float]
    is_cited: Mapped[bool]


class MessageFeedback(Base):
    __tablename__ = "message_feedback"

    message_id: Mapped[UUID] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    rating: Mapped[str]
    comment: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class IdempotencyKey(Base):
    """A key that a caller sent with a question, and the answer that it led to.

    The key is claimed before the answer is inserted, hence the deferred constraint.
    """

    __tablename__ = "idempotency_keys"

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    message_id: Mapped[UUID] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED"),
        index=True,
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
