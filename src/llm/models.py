"""The table of the llm module: what users asked of the models, added up per day."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from src.database import Base
from src.llm.names import MAX_MODEL_NAME_LENGTH


class LLMUsage(Base):
    """One row per user, model and day (UTC)."""

    __tablename__ = "llm_usage"
    # For the list of everybody's usage; that of one user is the primary key.
    __table_args__ = (Index(None, "day", "user_id", "model"),)

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(MAX_MODEL_NAME_LENGTH), primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)
