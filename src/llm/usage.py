"""Who used which model how much: written once per answer, read by its user and by admins."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from src.database import Base
from src.llm.exceptions import QuotaExceededError
from src.llm.models import LLMUsage
from src.llm.schemas import UsagePage, UsageRead
from src.schemas import InvalidCursorError

_POSITION = TypeAdapter(tuple[date, UUID, str])


_usage = Base.metadata.tables[LLMUsage.__tablename__]
_INSERT = insert(_usage)
_COUNTERS = ("requests", "prompt_tokens", "completion_tokens")
_ADD = _INSERT.on_conflict_do_update(
    index_elements=[LLMUsage.user_id, LLMUsage.day, LLMUsage.model],
    set_={name: _usage.c[name] + _INSERT.excluded[name] for name in _COUNTERS},
)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one request took."""

    user_id: UUID
    model: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Whose usage (None is everybody's), of how many days, and where to go on."""

    user_id: UUID | None
    days: int
    cursor: str | None
    limit: int


class UsageService:
    def __init__(self, session: AsyncSession, daily_token_quota: int | None = None) -> None:
        self._session = session
        self._quota = daily_token_quota

    async def record(
        self, user_id: UUID, model: str, *, prompt_tokens: int, completion_tokens: int
    ) -> None:
        """Add one request to today's row."""
        await self.record_all([Spent(user_id, model, prompt_tokens, completion_tokens)])

    async def record_all(self, spent: Sequence[Spent]) -> None:
        """Add some requests to the rows of today, in place: concurrent answers lose nothing.

        The rows are touched in one order, so that nobody waits in a circle.
        """
        rows = [
            {
                "user_id": user_id,
                "day": _today(),
                "model": model,
                "requests": len(requests),
                "prompt_tokens": sum(one.prompt_tokens for one in requests),
                "completion_tokens": sum(one.completion_tokens for one in requests),
            }
            for (user_id, model), requests in _group(spent)
        ]
        if rows:
            await self._session.execute(_ADD, rows)

    async def check_quota(self, user_id: UUID) -> None:
        """Raise `QuotaExceededError` when nothing is left of today's tokens."""
        if self._quota is not None and await self._count_today(user_id) >= self._quota:
            raise QuotaExceededError(retry_after_seconds=_seconds_to_midnight())

    async def list_usage(self, asker_id: UUID, query: UsageQuery) -> UsagePage:
        """Page through the last days with today among them, newest first."""
        rows = await self._session.scalars(
            _select_page(query)
            .order_by(LLMUsage.day.desc(), LLMUsage.user_id, LLMUsage.model)
            .limit(query.limit + 1)
        )
        items = [UsageRead.model_validate(row) for row in rows]
        page = items[: query.limit]
        return UsagePage(
            items=page,
            next_cursor=_encode_position(page[-1]) if len(items) > query.limit else None,
            tokens_today=await self._count_today(asker_id),
            daily_token_quota=self._quota,
        )

    async def _count_today(self, user_id: UUID) -> int:
        tokens = func.sum(LLMUsage.prompt_tokens + LLMUsage.completion_tokens)
        return (
            await self._session.scalar(
                _owned_by(user_id).with_only_columns(tokens).where(LLMUsage.day == _today())
            )
            or 0
        )


def _group(spent: Sequence[Spent]) -> list[tuple[tuple[UUID, str], list[Spent]]]:
    def get_row(one: Spent) -> tuple[UUID, str]:
        return one.user_id, one.model

    return [(row, [*requests]) for row, requests in groupby(sorted(spent, key=get_row), get_row)]


def _owned_by(user_id: UUID) -> Select[LLMUsage]:
    return select(LLMUsage).where(LLMUsage.user_id == user_id)


def _select_page(query: UsageQuery) -> Select[LLMUsage]:
    rows = select(LLMUsage) if query.user_id is None else _owned_by(query.user_id)
    rows = rows.where(LLMUsage.day > _today() - timedelta(days=query.days))
    return rows if query.cursor is None else rows.where(_is_behind(query.cursor))


def _is_behind(cursor: str) -> ColumnElement[bool]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        day, user_id, model = _POSITION.validate_json(text)
    except (binascii.Error, ValidationError, ValueError) as exc:
        raise InvalidCursorError from exc
    is_later_that_day = tuple_(LLMUsage.user_id, LLMUsage.model) > (user_id, model)
    return or_(LLMUsage.day < day, (LLMUsage.day == day) & is_later_that_day)


def _encode_position(last: UsageRead) -> str:
    text = _POSITION.dump_json((last.day, last.user_id, last.model))
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _today() -> date:
    return datetime.now(UTC).date()


def _seconds_to_midnight() -> int:
    midnight = datetime.combine(_today() + timedelta(days=1), time(), UTC)
    return round((midnight - datetime.now(UTC)).total_seconds()) + 1
