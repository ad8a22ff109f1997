"""API keys: shown once, stored hashed, limited to scopes, revocable."""

import asyncio
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import Select, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from src.auth.events import AuditTrail
from src.auth.exceptions import APIKeyNotFoundError, TooManyAPIKeysError
from src.auth.models import APIKey, User
from src.auth.schemas import APIKeyCreate, APIKeyCreated, APIKeyRead
from src.auth.tokens import hash_secret, make_api_key
from src.database import Sessions, utc_now
from src.schemas import Page, cut_page, decode_cursor

log = structlog.get_logger(__name__)

_MOST_KEYS: Final = 100
_NOTE_EVERY: Final = timedelta(minutes=1)


class APIKeyService:
    def __init__(self, session: AsyncSession, trail: AuditTrail) -> None:
        self._session = session
        self._trail = trail

    async def create(self, user_id: UUID, new: APIKeyCreate) -> APIKeyCreated:
        await self._make_room(user_id)
        prefix, key = make_api_key()
        row = APIKey(
            user_id=user_id,
            name=new.name,
            prefix=prefix,
            key_hash=hash_secret(key),
            scopes=sorted(new.scopes),
            expires_at=new.expires_at,
        )
        self._session.add(row)
        await self._session.flush()
        await self._session.refresh(row)
        await self._trail.record("api_key_created", user_id, actor_id=user_id, subject_id=row.id)
        return APIKeyCreated(**APIKeyRead.model_validate(row).model_dump(), key=key)

    async def list_keys(self, user_id: UUID, cursor: str | None, limit: int) -> Page[APIKeyRead]:
        """Page through the keys that were not revoked, the newest first."""
        query = _owned_by(user_id).order_by(APIKey.created_at.desc(), APIKey.id.desc())
        if cursor is not None:
            position = decode_cursor(cursor)
            query = query.where(tuple_(APIKey.created_at, APIKey.id) < position)
        rows = (await self._session.scalars(query.limit(limit + 1))).all()
        page, next_cursor = cut_page(rows, limit, lambda row: (row.created_at, row.id))
        return Page(items=[APIKeyRead.model_validate(row) for row in page], next_cursor=next_cursor)

    async def revoke(self, user_id: UUID, key_id: UUID) -> None:
        row = await self._session.scalar(_owned_by(user_id).where(APIKey.id == key_id))
        if row is None:
            raise APIKeyNotFoundError
        row.revoked_at = utc_now()
        await self._trail.record("api_key_revoked", user_id, actor_id=user_id, subject_id=key_id)

    async def _make_room(self, user_id: UUID) -> None:
        """Refuse one key too many; the lock makes those who ask at once count one another."""
        await self._session.execute(
            select(User.id).where(User.id == user_id).with_for_update(key_share=True)
        )
        count = await self._session.scalar(
            select(func.count()).select_from(_owned_by(user_id).subquery())
        )
        if count is not None and count >= _MOST_KEYS:
            raise TooManyAPIKeysError


class KeyUseRecorder:
    """Notes when keys were last used: beside the request, and at most once a minute for a key."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._writing: dict[UUID, asyncio.Task[None]] = {}

    def note(self, key_id: UUID, last_used_at: datetime | None) -> None:
        is_fresh = last_used_at is not None and utc_now() - last_used_at < _NOTE_EVERY
        if not is_fresh and key_id not in self._writing:
            self._writing[key_id] = asyncio.create_task(self._write(key_id))

    async def close(self) -> None:
        await asyncio.gather(*self._writing.values())

    async def _write(self, key_id: UUID) -> None:
        try:
            async with self._sessions.begin() as session:
                await session.execute(
                    update(APIKey)
                    .where(APIKey.id == key_id)
                    .values(last_used_at=func.now())
                    .execution_options(synchronize_session=False)
                )
        except Exception as error:  # noqa: BLE001, the outermost edge of a task nobody awaits
            log.warning("the use of an API key was not noted", reason=repr(error))
        finally:
            del self._writing[key_id]


def _owned_by(user_id: UUID) -> Select[APIKey]:
    """Every statement on a user's keys starts here: nobody reaches another's, or a revoked one."""
    return select(APIKey).where(APIKey.user_id == user_id, APIKey.revoked_at.is_(None))
