"""The audit trail: who logged in, failed, changed or revoked what. It holds no secrets."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, delete, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from src.auth.models import AuthEvent
from src.auth.schemas import AuthEventRead, Client, EventKind
from src.database import utc_now
from src.schemas import Page, cut_page, decode_cursor


class AuditTrail:
    """Writes in the transaction of what it tells about, so that neither is there alone."""

    def __init__(self, session: AsyncSession, client: Client) -> None:
        self._session = session
        self.client = client

    async def record(
        self,
        kind: EventKind,
        user_id: UUID | None,
        *,
        actor_id: UUID | None = None,
        subject_id: UUID | None = None,
    ) -> None:
        self._session.add(
            AuthEvent(
                user_id=user_id,
                kind=kind,
                actor_id=actor_id,
                subject_id=subject_id,
                address=self.client.address,
                user_agent=self.client.user_agent,
            )
        )
        await self._session.flush()

    async def list_own(self, user_id: UUID, cursor: str | None, limit: int) -> Page[AuthEventRead]:
        return await self._list(
            select(AuthEvent).where(AuthEvent.user_id == user_id), cursor, limit
        )

    async def list_all(self, cursor: str | None, limit: int) -> Page[AuthEventRead]:
        return await self._list(select(AuthEvent), cursor, limit)

    async def forget(self, user_id: UUID, age: timedelta) -> None:
        """Drop what is too old, of this user and of the accounts that nobody has."""
        await self._session.execute(
            delete(AuthEvent).where(
                or_(AuthEvent.user_id == user_id, AuthEvent.user_id.is_(None)),
                AuthEvent.created_at < utc_now() - age,
            )
        )

    async def _list(
        self, query: Select[AuthEvent], cursor: str | None, limit: int
    ) -> Page[AuthEventRead]:
        """Page through events, the newest first."""
        query = query.order_by(AuthEvent.created_at.desc(), AuthEvent.id.desc())
        if cursor is not None:
            position = decode_cursor(cursor)
            query = query.where(tuple_(AuthEvent.created_at, AuthEvent.id) < position)
        rows = (await self._session.scalars(query.limit(limit + 1))).all()
        page, next_cursor = cut_page(rows, limit, lambda row: (row.created_at, row.id))
        return Page(
            items=[AuthEventRead.model_validate(row) for row in page], next_cursor=next_cursor
        )
