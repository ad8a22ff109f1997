"""Who used which model how much: written once per answer, read by its user."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from src.llm.models import LLMUsage


class UsageService:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def record(
        self, user_id: UUID, model: str, *, prompt_tokens: int, completion_tokens: int
    ) -> None:
        """Add one request to today's row, in one statement: concurrent answers lose nothing."""
        statement = insert(LLMUsage).values(
            user_id=user_id,
            day=datetime.now(UTC).date(),
            model=model,
            requests=1,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
        )
        new = statement.excluded
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=[LLMUsage.user_id, LLMUsage.day, LLMUsage.model],
                set_={
                    "requests": LLMUsage.requests + new.requests,
                    "prompt_tokens": LLMUsage.prompt_tokens + new.prompt_tokens,
                    "completion_tokens": LLMUsage.completion_tokens + new.completion_tokens,
                },
            )
        )

    async def list_own(self, user_id: UUID, *, days: int = 30) -> list[LLMUsage]:
        """List the last days with today among them, newest first."""
        since = datetime.now(UTC).date() - timedelta(days=days - 1)
        rows = await self._session.scalars(
            _owned_by(user_id)
            .where(LLMUsage.day >= since)
            .order_by(LLMUsage.day.desc(), LLMUsage.model)
        )
        return list(rows)


def _owned_by(user_id: UUID) -> Select[LLMUsage]:
    return select(LLMUsage).where(LLMUsage.user_id == user_id)
