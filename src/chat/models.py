"""The tables of chat."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from src.database import Base, new_id


class ChatSession(Base):
    __tablename__ = "chat_sessions"
    __table_args__ = (Index(None, "user_id", "updated_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Message(Base):
    """A question or an answer. Messages of a session form a tree by `parent_id`."""

    __tablename__ = "messages"
    __table_args__ = (
        Index(None, "session_id", "id"),
        Index("ix_messages_streaming", "heartbeat_at", postgresql_where=text("status='streaming'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"))
    parent_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[str]
    status: Mapped[str]
    content: Mapped[str]
    thinking: Mapped[str] = mapped_column(default="")
    model: Mapped[str | None]
    usage: Mapped[dict[str, int] | None] = mapped_column(JSONB)
    error_code: Mapped[str | None]
    error_detail: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    heartbeat_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]


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
