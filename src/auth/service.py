"""Accounts: made, changed by their owners, deleted with everything that is theirs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from src.auth.events import AuditTrail
from src.auth.exceptions import (
    EmailTakenError,
    LastAdminError,
    RegistrationClosedError,
    UsernameTakenError,
    UserNotFoundError,
    WrongPasswordError,
)
from src.auth.limits import AttemptLimiter
from src.auth.logins import LoginService
from src.auth.models import User
from src.auth.names import fold_email, fold_name
from src.auth.passwords import Passwords
from src.auth.schemas import (
    EventKind,
    PasswordUpdate,
    Principal,
    Role,
    UserCreate,
    UserUpdate,
)
from src.config import AuthSettings
from src.database import is_unique_violation, release


class AccountDataPurger(Protocol):
    """Whoever keeps something of a user outside PostgreSQL, where no cascade reaches it."""

    async def enqueue(self, session: AsyncSession, user_id: UUID) -> None:
        """See to it that all of it is deleted if, and only if, the transaction commits."""


class AccountService:
    def __init__(
        self,
        session: AsyncSession,
        passwords: Passwords,
        limiter: AttemptLimiter,
        trail: AuditTrail,
        purger: AccountDataPurger,
        settings: AuthSettings,
    ) -> None:
        self._session = session
        self._passwords = passwords
        self._limiter = limiter
        self._trail = trail
        self._purger = purger
        self._settings = settings

    async def register(self, new: UserCreate) -> User:
        if not self._settings.is_registration_open:
            raise RegistrationClosedError
        await self._limiter.count_registration(self._trail.client.address)
        user = await self.create(new)
        await self._trail.record("registered", user.id, actor_id=user.id)
        return user

    async def create(self, new: UserCreate, role: Role = "user") -> User:
        password_hash = await self.hash_password(new.password)
        return await add_user(self._session, new, password_hash, role)

    async def get(self, user_id: UUID) -> User:
        user = await self._session.get(User, user_id)
        if user is None:
            raise UserNotFoundError
        return user

    async def lock(self, user_id: UUID) -> User:
        """Get a user whom nobody else changes or deletes until the transaction ends."""
        user = await self._session.get(
            User, user_id, with_for_update={"key_share": True}, populate_existing=True
        )
        if user is None:
            raise UserNotFoundError
        return user

    async def update_profile(self, user_id: UUID, changes: UserUpdate) -> User:
        if changes.username is not None or changes.email is not None:
            # Whether a name is taken is as much to know here as at a registration.
            await self._limiter.count_registration(self._trail.client.address)
        user = await self.lock(user_id)
        if changes.username is not None:
            user.username, user.username_key = changes.username, fold_name(changes.username)
        if changes.email is not None:
            user.email, user.email_key = changes.email, fold_email(changes.email)
        with _unique_names():
            await self._session.flush()
        await self._trail.record("profile_changed", user_id, actor_id=user_id)
        return user

    async def change_password(
        self, caller: Principal, change: PasswordUpdate, logins: LoginService
    ) -> None:
        """Change it and end the other logins, which somebody else may have."""
        checked_hash = await self._check_password(caller.user_id, change.current_password)
        new_hash = await self._passwords.hash(change.new_password)
        user = await self.lock(caller.user_id)
        if user.password_hash != checked_hash:
            raise WrongPasswordError
        user.password_hash = new_hash
        await logins.revoke_others(caller)
        await self._trail.record("password_changed", user.id, actor_id=user.id)

    async def hash_password(self, password: str) -> str:
        """Hash with no connection held, because a turn may take its time."""
        await release(self._session)
        return await self._passwords.hash(password)

    async def delete_own(self, user_id: UUID, current_password: str) -> None:
        await self._check_password(user_id, current_password)
        await self.delete(user_id)

    async def delete(self, user_id: UUID) -> None:
        """Delete the rows at once and, in the same transaction, order the purge of the rest."""
        await self.keep_an_admin(user_id)
        deleted = await self._session.scalar(
            delete(User)
            .where(User.id == user_id)
            .returning(User.id)
            .execution_options(synchronize_session=False)
        )
        if deleted is None:
            raise UserNotFoundError
        await self._purger.enqueue(self._session, user_id)

    async def keep_an_admin(self, user_id: UUID) -> None:
        """Raise if this is the last active administrator.

        The lock is held until the transaction ends: of two who resign at once, one comes second.
        """
        admins = await self._session.scalars(
            select(User.id)
            .where(User.role == "admin", User.is_active)
            .order_by(User.id)
            .with_for_update(key_share=True)
        )
        if list(admins) == [user_id]:
            raise LastAdminError

    async def _check_password(self, user_id: UUID, password: str) -> str:
        """Return the hash that was right, with no connection held.

        Limited like a login: a stolen access token is no licence to guess the password.
        """
        user = await self.get(user_id)
        await release(self._session)
        address = self._trail.client.address
        async with self._passwords.take_turn() as turn:
            await self._limiter.check_login(user.username_key, address)
            is_right = await turn.verify(password, user.password_hash)
            if not is_right:
                await self._limiter.count_login_failure(user.username_key, address)
        if not is_right:
            await self._note("password_check_failed", user_id)
            raise WrongPasswordError
        return user.password_hash

    async def _note(self, kind: EventKind, user_id: UUID) -> None:
        """Record what stays true although the request fails."""
        await self._trail.record(kind, user_id, actor_id=user_id)
        await release(self._session)


async def add_user(session: AsyncSession, new: UserCreate, password_hash: str, role: Role) -> User:
    user = User(
        username=new.username,
        username_key=fold_name(new.username),
        email=new.email,
        email_key=fold_email(new.email),
        password_hash=password_hash,
        role=role,
    )
    session.add(user)
    with _unique_names():
        await session.flush()
    await session.refresh(user)
    return user


@contextmanager
def _unique_names() -> Iterator[None]:
    try:
        yield
    except IntegrityError as exc:
        if is_unique_violation(exc, "uq_users_username_key"):
            raise UsernameTakenError from exc
        if is_unique_violation(exc, "uq_users_email_key"):
            raise EmailTakenError from exc
        raise
