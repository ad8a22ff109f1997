"""Logins: one per device, each a family of refresh tokens that can be revoked as a whole."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Update, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from src.auth.events import AuditTrail
from src.auth.exceptions import (
    InvalidCredentialsError,
    InvalidRefreshTokenError,
    LoginNotFoundError,
    RefreshTokenReusedError,
)
from src.auth.limits import AttemptLimiter
from src.auth.models import LoginSession, RefreshToken, User
from src.auth.names import fold_email, fold_name
from src.auth.passwords import Passwords, PasswordTurn
from src.auth.schemas import LoginForm, LoginRead, Principal, TokenRead
from src.auth.tokens import AccessTokens, hash_secret, make_refresh_token
from src.config import AuthSettings
from src.database import new_id, release, utc_now
from src.schemas import Page, cut_page, decode_cursor


class LoginService:
    def __init__(
        self,
        session: AsyncSession,
        passwords: Passwords,
        tokens: AccessTokens,
        limiter: AttemptLimiter,
        trail: AuditTrail,
        settings: AuthSettings,
    ) -> None:
        self._session = session
        self._passwords = passwords
        self._tokens = tokens
        self._limiter = limiter
        self._trail = trail
        self._settings = settings

    async def log_in(self, form: LoginForm) -> TokenRead:
        """Every way to fail costs the same: one query, one hash, one line of the trail."""
        name = fold_email(form.username) if "@" in form.username else fold_name(form.username)
        await self._limiter.check_login(name, self._trail.client.address)
        async with self._passwords.take_turn() as turn:
            # Whom the queue turns away has cost no query, so a flood leaves the pool to others.
            user = await self._find(name)
            await release(self._session)
            new_hash = await self._verify(turn, name, form.password, user)
        if user is None or new_hash is None or not await self._is_unchanged(user):
            await self._trail.record("login_failed", user.id if user else None)
            await release(self._session)
            raise InvalidCredentialsError
        user.password_hash = new_hash
        await self._forget_ended(user.id)
        return await self._start_login(user.id)

    async def refresh(self, refresh_token: str) -> TokenRead:
        """Exchange a refresh token. One statement decides who of several callers used it first."""
        await self._limiter.check_refresh(self._trail.client.address)
        token_hash = hash_secret(refresh_token)
        login_id = await self._session.scalar(
            update(RefreshToken)
            .where(RefreshToken.token_hash == token_hash, RefreshToken.used_at.is_(None))
            .values(used_at=func.now())
            .returning(RefreshToken.login_id)
        )
        if login_id is None:
            await self._refuse_refresh(token_hash)
        user_id = await self._prolong(login_id) if login_id is not None else None
        if user_id is None or login_id is None:
            raise InvalidRefreshTokenError
        return await self._issue(user_id, login_id)

    async def list_logins(
        self, caller: Principal, cursor: str | None, limit: int
    ) -> Page[LoginRead]:
        """Page through the logins that are still good, the last used first."""
        query = (
            select(LoginSession)
            .where(
                LoginSession.user_id == caller.user_id,
                LoginSession.revoked_at.is_(None),
                LoginSession.expires_at > utc_now(),
            )
            .order_by(LoginSession.last_used_at.desc(), LoginSession.id.desc())
        )
        if cursor is not None:
            position = decode_cursor(cursor)
            query = query.where(tuple_(LoginSession.last_used_at, LoginSession.id) < position)
        rows = (await self._session.scalars(query.limit(limit + 1))).all()
        page, next_cursor = cut_page(rows, limit, lambda row: (row.last_used_at, row.id))
        return Page(
            items=[_describe(row, is_current=row.id == caller.login_id) for row in page],
            next_cursor=next_cursor,
        )

    async def revoke(self, user_id: UUID, login_id: UUID) -> None:
        revoked = await self._session.scalar(
            _revoke_of(user_id).where(LoginSession.id == login_id).returning(LoginSession.id)
        )
        if revoked is None:
            raise LoginNotFoundError
        await self._trail.record("login_revoked", user_id, actor_id=user_id, subject_id=login_id)

    async def log_out(self, caller: Principal) -> None:
        await self._session.execute(
            _revoke_of(caller.user_id).where(LoginSession.id == caller.login_id)
        )
        await self._trail.record(
            "logged_out", caller.user_id, actor_id=caller.user_id, subject_id=caller.login_id
        )

    async def revoke_all(self, user_id: UUID, *, actor_id: UUID) -> None:
        await self._session.execute(_revoke_of(user_id))
        await self._trail.record("logins_revoked", user_id, actor_id=actor_id)

    async def revoke_others(self, caller: Principal) -> None:
        """End every login but the one that asks."""
        await self._session.execute(
            _revoke_of(caller.user_id).where(LoginSession.id != caller.login_id)
        )

    async def _find(self, name: str) -> User | None:
        """Find by user name or email address; a user name holds no `@`."""
        column = User.email_key if "@" in name else User.username_key
        return await self._session.scalar(select(User).where(column == name))

    async def _verify(
        self, turn: PasswordTurn, name: str, password: str, user: User | None
    ) -> str | None:
        """Return the hash to keep, made anew when the parameters have changed, or None."""
        address = self._trail.client.address
        # Again: a thousand guesses at once all passed the first check while they waited.
        await self._limiter.check_login(name, address)
        old = user.password_hash if user else None
        if not await turn.verify(password, old) or old is None:
            await self._limiter.count_login_failure(name, address)
            return None
        return await turn.hash(password) if turn.is_outdated(old) else old

    async def _is_unchanged(self, user: User) -> bool:
        """Whether nobody deactivated the user or changed the password while it was verified."""
        found = await self._session.scalar(
            select(User.id)
            .where(User.id == user.id, User.is_active, User.password_hash == user.password_hash)
            .with_for_update(key_share=True)
        )
        return found is not None

    async def _start_login(self, user_id: UUID) -> TokenRead:
        login = LoginSession(
            id=new_id(),
            user_id=user_id,
            user_agent=self._trail.client.user_agent,
            address=self._trail.client.address,
            expires_at=self._next_expiry(),
        )
        self._session.add(login)
        await self._session.flush()
        await self._trail.record("logged_in", user_id, actor_id=user_id, subject_id=login.id)
        return await self._issue(user_id, login.id)

    async def _prolong(self, login_id: UUID) -> UUID | None:
        """Note the use of a login that is still good, and return whose it is."""
        return await self._session.scalar(
            update(LoginSession)
            .where(
                LoginSession.id == login_id,
                LoginSession.revoked_at.is_(None),
                LoginSession.expires_at > utc_now(),
                LoginSession.user_id == User.id,
                User.is_active,
            )
            .values(
                last_used_at=func.now(),
                expires_at=self._next_expiry(),
                address=self._trail.client.address,
            )
            .returning(LoginSession.user_id)
            .execution_options(synchronize_session=False)
        )

    async def _refuse_refresh(self, token_hash: str) -> None:
        """Raise, and end the login of a token that was used before: two parties have it."""
        await self._limiter.count_refresh_failure(self._trail.client.address)
        login = (
            await self._session.execute(
                select(LoginSession.id, LoginSession.user_id)
                .join(RefreshToken, RefreshToken.login_id == LoginSession.id)
                .where(RefreshToken.token_hash == token_hash)
            )
        ).one_or_none()
        if login is None:
            raise InvalidRefreshTokenError
        login_id, user_id = login
        revoked = await self._session.scalar(
            _revoke_of(user_id).where(LoginSession.id == login_id).returning(LoginSession.id)
        )
        if revoked is not None:
            await self._trail.record("refresh_token_reused", user_id, subject_id=login_id)
        # The login has ended although its caller gets an error.
        await release(self._session)
        raise RefreshTokenReusedError

    async def _issue(self, user_id: UUID, login_id: UUID) -> TokenRead:
        refresh_token = make_refresh_token()
        await self._session.execute(
            insert(RefreshToken).values(token_hash=hash_secret(refresh_token), login_id=login_id)
        )
        return TokenRead(
            access_token=self._tokens.issue(user_id, login_id),
            refresh_token=refresh_token,
            token_type="bearer",  # noqa: S106, the name of a scheme
            expires_in=int(self._tokens.lifetime.total_seconds()),
        )

    async def _forget_ended(self, user_id: UUID) -> None:
        """Drop what ended long ago. Each login clears up after its user, so nothing else has to."""
        age = timedelta(days=self._settings.history_days)
        await self._session.execute(
            delete(LoginSession).where(
                LoginSession.user_id == user_id,
                or_(
                    LoginSession.expires_at < utc_now() - age,
                    LoginSession.revoked_at < utc_now() - age,
                ),
            )
        )
        await self._trail.forget(user_id, age)

    def _next_expiry(self) -> datetime:
        return utc_now() + timedelta(days=self._settings.refresh_token_days)


def _revoke_of(user_id: UUID) -> Update:
    """Every revocation starts here: nobody ends another user's login, or one that has ended."""
    return (
        update(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .execution_options(synchronize_session=False)
    )


def _describe(row: LoginSession, *, is_current: bool) -> LoginRead:
    return LoginRead(
        id=row.id,
        user_agent=row.user_agent,
        address=row.address,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        is_current=is_current,
    )
