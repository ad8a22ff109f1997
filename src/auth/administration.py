"""What administrators do with the accounts of others."""

from uuid import UUID

from sqlalchemy import or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from src.auth.events import AuditTrail
from src.auth.logins import LoginService
from src.auth.models import User
from src.auth.names import fold_name
from src.auth.schemas import (
    ManagedUserCreate,
    ManagedUserUpdate,
    Role,
    UserRead,
)
from src.auth.service import AccountService
from src.schemas import Page, cut_page, decode_cursor


class AdministrationService:
    def __init__(
        self,
        session: AsyncSession,
        accounts: AccountService,
        logins: LoginService,
        trail: AuditTrail,
    ) -> None:
        self._session = session
        self._accounts = accounts
        self._logins = logins
        self._trail = trail

    async def list_users(
        self,
        q: str | None,
        role: Role | None,
        cursor: str | None,
        limit: int,
        *,
        is_active: bool | None,
    ) -> Page[UserRead]:
        """Page through the accounts, the newest first; `q` is a part of a name or an address."""
        query = select(User).order_by(User.created_at.desc(), User.id.desc())
        if q:
            part = fold_name(q)
            query = query.where(
                or_(
                    User.username_key.contains(part, autoescape=True),
                    User.email_key.contains(part, autoescape=True),
                )
            )
        if role is not None:
            query = query.where(User.role == role)
        if is_active is not None:
            query = query.where(User.is_active == is_active)
        if cursor is not None:
            query = query.where(tuple_(User.created_at, User.id) < decode_cursor(cursor))
        rows = (await self._session.scalars(query.limit(limit + 1))).all()
        page, next_cursor = cut_page(rows, limit, lambda row: (row.created_at, row.id))
        return Page(items=[UserRead.model_validate(row) for row in page], next_cursor=next_cursor)

    async def create_user(self, new: ManagedUserCreate, *, actor_id: UUID) -> User:
        user = await self._accounts.create(new, new.role)
        await self._trail.record("user_created", user.id, actor_id=actor_id, subject_id=user.id)
        return user

    async def update_user(
        self, user_id: UUID, changes: ManagedUserUpdate, *, actor_id: UUID
    ) -> User:
        new_hash = None
        if changes.new_password is not None:
            new_hash = await self._accounts.hash_password(changes.new_password)
        if changes.role == "user" or changes.is_active is False:
            await self._accounts.keep_an_admin(user_id)
        user = await self._accounts.lock(user_id)
        user.role = changes.role or user.role
        user.password_hash = new_hash or user.password_hash
        if changes.is_active is not None:
            user.is_active = changes.is_active
        if new_hash is not None or not user.is_active:
            await self._logins.revoke_all(user_id, actor_id=actor_id)
        await self._trail.record("user_changed", user_id, actor_id=actor_id, subject_id=user_id)
        return user

    async def delete_user(self, user_id: UUID, *, actor_id: UUID) -> None:
        """The trail of the deleted goes with them; what was done stays on the deleter's."""
        await self._accounts.delete(user_id)
        if user_id != actor_id:
            await self._trail.record(
                "user_deleted", actor_id, actor_id=actor_id, subject_id=user_id
            )
